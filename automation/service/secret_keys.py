"""Keys for secrets: those of the settings, or one that the embedded PostgreSQL brings, in a file beside its database.

Whoever has the data directory has both, as with any file of keys beside its database: that is for a laptop, and for the
demo.
"""

import os
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from automation.service.settings import Settings
from automation.storage.secrets.sealing import Keyring, generated_key

FILE_NAME = "secret_keys"


def keyring_of(settings: Settings) -> Keyring | None:
    """Return the keys that the values of secrets are encrypted with, where there are any."""
    return None if settings.secret_keys is None else Keyring.read(settings.secret_keys.get_secret_value())


def provided(settings: Settings, *, anyhow: bool = False) -> Settings:
    """Return the settings with keys for secrets, where the operator has set none and the database is an embedded one.

    Args:
        settings: As the operator set them.
        anyhow: Whether whatever database it is.
    """
    if settings.secret_keys is not None or not (settings.embedded or anyhow):
        return settings
    return settings.model_copy(update={"secret_keys": SecretStr(_kept(settings.data_dir / FILE_NAME))})


def _kept(path: Path) -> str:
    """Return what stands in the file, which is made where there is none: whole, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{generated_key()}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        made.unlink()
    return path.read_text(encoding="ascii").strip()
