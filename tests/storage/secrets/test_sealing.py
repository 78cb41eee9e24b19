"""Sealing of values: what is encrypted comes back under its own tenant, name and key, and nowhere else."""

import hashlib
import hmac
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from automation.storage.secrets.sealing import Keyring, Sealed, Unreadable, generated_key
from tests.secret_keys import KEYRING, SECRET_KEYS, a_key

TENANT = UUID("cd812325-1a37-5e39-861b-5cc42823026d")
VALUE = "a välue of a secret"


@pytest.mark.parametrize("value", [VALUE, "x" * 65_536, "ü" * 8])
def test_a_value_comes_back(value: str) -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", value)

    assert KEYRING.open(TENANT, "TOKEN", sealed) == value


def test_the_same_value_is_never_encrypted_alike() -> None:
    first, second = (KEYRING.seal(TENANT, "TOKEN", VALUE) for _ in range(2))

    assert first.ciphertext != second.ciphertext
    assert first.data_key != second.data_key


def test_neither_keys_nor_values_are_printed() -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", VALUE)

    assert repr(sealed) == "Sealed(key_id='k1')"
    assert "1111" not in repr(KEYRING)


@pytest.mark.parametrize(("tenant", "name"), [(uuid4(), "TOKEN"), (TENANT, "OTHER"), (TENANT, "TOKEN2")])
def test_a_value_that_was_moved_is_refused(tenant: UUID, name: str) -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", VALUE)

    with pytest.raises(Unreadable):
        KEYRING.open(tenant, name, sealed)


@pytest.mark.parametrize("part", ["data_key", "ciphertext"])
@pytest.mark.parametrize("at", [0, 20, -1])
def test_a_value_that_was_changed_is_refused(part: str, at: int) -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", VALUE)
    parts = {"data_key": bytearray(sealed.data_key), "ciphertext": bytearray(sealed.ciphertext)}
    parts[part][at] ^= 1

    with pytest.raises(Unreadable):
        KEYRING.open(TENANT, "TOKEN", Sealed("k1", bytes(parts["data_key"]), bytes(parts["ciphertext"])))


def test_a_value_with_the_data_key_of_another_one_is_refused() -> None:
    sealed, other = (KEYRING.seal(TENANT, "TOKEN", VALUE) for _ in range(2))

    with pytest.raises(Unreadable):
        KEYRING.open(TENANT, "TOKEN", Sealed("k1", other.data_key, sealed.ciphertext))


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    both = Keyring.read(f"{a_key('k2', b'2')}, {SECRET_KEYS}")
    before = KEYRING.seal(TENANT, "TOKEN", VALUE)

    assert both.seal(TENANT, "TOKEN", VALUE).key_id == "k2"
    assert both.open(TENANT, "TOKEN", before) == VALUE


def test_a_key_that_is_not_set_is_named() -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", VALUE)

    with pytest.raises(Unreadable, match="the key k1, which is not set here"):
        Keyring.read(a_key("k2", b"2")).open(TENANT, "TOKEN", sealed)


def test_another_key_under_the_same_id_is_refused() -> None:
    sealed = KEYRING.seal(TENANT, "TOKEN", VALUE)

    with pytest.raises(Unreadable, match="another one"):
        Keyring.read(a_key("k1", b"2")).open(TENANT, "TOKEN", sealed)


def test_a_generated_key_can_be_read() -> None:
    assert Keyring.read(generated_key()).current == "k1"


@pytest.mark.parametrize(
    "text",
    ["", "k1", "k1:short", f"k1:{'A' * 44}", a_key("k 1", b"1"), f"{SECRET_KEYS}, {SECRET_KEYS}"],
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        Keyring.read(text)

    assert "A" * 20 not in str(refused.value)
    assert "MTEx" not in str(refused.value)


def test_a_value_that_was_sealed_as_it_is_documented_is_opened() -> None:
    bound = TENANT.bytes + b"TOKEN"
    data_key, nonces = bytes(range(32)), (b"n" * 12, b"o" * 12)

    sealed = Sealed(
        "k1",
        nonces[0] + AESGCM(b"1" * 32).encrypt(nonces[0], data_key, b"automation data key\0" + bound),
        nonces[1] + AESGCM(data_key).encrypt(nonces[1], VALUE.encode(), b"automation secret\0" + bound),
    )

    assert KEYRING.open(TENANT, "TOKEN", sealed) == VALUE
    made = KEYRING.seal(TENANT, "TOKEN", VALUE)
    assert (len(made.data_key), len(made.ciphertext)) == (12 + 32 + 16, 12 + len(VALUE.encode()) + 16)


def test_keys_for_digests_are_made_of_the_keys_in_their_order_and_are_none_of_them() -> None:
    keys = Keyring.read(f"{a_key('k2', b'2')},{SECRET_KEYS}").digest_keys()

    made = [hmac.new(filling * 32, b"automation digests", hashlib.sha256).digest() for filling in (b"2", b"1")]
    assert list(keys) == made


@pytest.mark.parametrize("text", [f"{SECRET_KEYS},k2:short", f",{SECRET_KEYS}, ,"])
def test_every_part_of_the_keys_is_one_unless_it_is_empty(text: str) -> None:
    if "short" in text:
        with pytest.raises(ValueError, match="must be keys"):
            Keyring.read(text)
    else:
        assert Keyring.read(text).current == "k1"
