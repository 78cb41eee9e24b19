"""``automation secrets``: the keys that the values of secrets are encrypted with."""

import click

from automation.commands.environment import owner_url, read_settings
from automation.commands.output import json_option, print_record

_LARGEST_BATCH = 1000


@click.group("secrets")
def command() -> None:
    """Encrypt the values of secrets with another key."""


@command.command("rotate")
@click.option(
    "--batch",
    type=click.IntRange(1, _LARGEST_BATCH),
    default=100,
    show_default=True,
    help="How many values are changed in one transaction.",
)
@json_option
def rotate(*, batch: int, as_json: bool) -> int:
    """Encrypt every value anew that is not encrypted with the first of AUTOMATION_SECRET_KEYS; the service may run.

    Ends with 1 where values are left that no key of these can read.
    """
    from automation.service import secret_keys  # noqa: PLC0415 - mistakes in the usage don't wait for it

    keyring = secret_keys.keyring_of(secret_keys.provided(read_settings()))
    if keyring is None:
        raise click.UsageError("Set AUTOMATION_SECRET_KEYS to the new key and, behind it, those before.")
    with owner_url() as url:
        from automation.storage.secrets.rotation import rotate as rotate_all  # noqa: PLC0415

        done = rotate_all(url, keyring, batch=batch)
    record = {
        "key": keyring.current,
        "rotated": done.rotated,
        "left": done.left,
        "keys_missing": list(done.unreadable) or None,
    }
    print_record(record, as_json=as_json)
    return int(done.left > 0)
