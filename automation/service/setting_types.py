"""Types of settings: what their text may be, and the sentence that refuses it."""

import re
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from automation.domain.limits import read_defaults
from automation.domain.retention import read_retention
from automation.engine.networks import networks
from automation.storage.secrets.sealing import Keyring

EMBEDDED = "embedded"

_POSTGRESQL_SCHEMES = ("postgresql://", "postgres://")
# Segments of RFC 3986's unreserved characters, none of which is a dot or two.
_is_path_prefix = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*").fullmatch
_is_cursor_key = re.compile(r"[A-Za-z0-9]{1,16}:[!-+\--~]{32,}").fullmatch
# In ASCII: the mail server may not know SMTPUTF8 (RFC 6531).
_is_address = re.compile(r"[!-?A-~]+@[!-?A-~]+").fullmatch
_is_domain = re.compile(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*").fullmatch
# As browsers send it (RFC 6454, 6.2).
_is_origin = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?").fullmatch


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least serious log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def parts(text: str) -> list[str]:
    """Return what a list in a setting holds: its parts are separated by commas, blanks around them don't count."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _database_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != EMBEDDED and not text.startswith(_POSTGRESQL_SCHEMES):
        raise ValueError("must be a URL that begins with postgresql://, or the word embedded")
    return value


def _cursor_keys(value: SecretStr) -> SecretStr:
    keys = parts(value.get_secret_value())
    if not keys or not all(map(_is_cursor_key, keys)):
        raise ValueError(
            "must be keys such as k2:a-secret-of-32-characters-or-more, separated by commas: an id of at most 16 "
            "letters and digits, a colon, and a secret"
        )
    if len({key.partition(":")[0] for key in keys}) < len(keys):
        raise ValueError("must not give two keys the same id")
    return value


def _secret_keys(value: SecretStr) -> SecretStr:
    Keyring.read(value.get_secret_value())
    return value


def _directory(value: object) -> object:
    if value == "":
        raise ValueError("must not be empty")
    return value


def _path_prefix(value: str) -> str:
    if not _is_path_prefix(value):
        raise ValueError(
            "must begin with a slash, not end with one, and be of letters, digits, '-', '.', '_' and '~' "
            "between slashes, such as /automation"
        )
    return value


def _networks(value: str) -> str:
    try:
        networks(parts(value))
    except ValueError:
        raise ValueError("must be networks such as 10.1.0.0/16, separated by commas") from None
    return value


def _domains(value: str) -> str:
    if not all(map(_is_domain, parts(value))):
        raise ValueError("must be domains such as example.com or .example.org, separated by commas")
    return value


def _limit_list(value: str) -> str:
    read_defaults(parts(value))
    return value


def _retention_list(value: str) -> str:
    read_retention(parts(value))
    return value


def _origins(value: str) -> str:
    if parts(value) != ["*"] and not all(map(_is_origin, parts(value))):
        raise ValueError(
            "must be origins such as https://app.example.com, in lower case and with nothing after the host and port, "
            "separated by commas, or * alone"
        )
    return value


def _sender(value: str | None, info: ValidationInfo) -> str | None:
    if value is None and info.data.get("smtp_host") is not None:
        raise ValueError("must be set where AUTOMATION_SMTP_HOST is")
    if value is not None and not _is_address(parseaddr(value)[1]):
        raise ValueError("must be an e-mail address")
    return value


CursorKeys = Annotated[SecretStr, AfterValidator(_cursor_keys)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Directory = Annotated[Path, BeforeValidator(_directory)]
Domains = Annotated[str, AfterValidator(_domains)]
LimitList = Annotated[str, AfterValidator(_limit_list)]
Networks = Annotated[str, AfterValidator(_networks)]
Origins = Annotated[str, AfterValidator(_origins)]
PathPrefix = Annotated[str, AfterValidator(_path_prefix)]
ResultBytes = Annotated[int, Field(ge=64 * 1024, le=2 * 1024 * 1024)]
RetentionList = Annotated[str, AfterValidator(_retention_list)]
SecretKeys = Annotated[SecretStr, AfterValidator(_secret_keys)]
Sender = Annotated[str | None, AfterValidator(_sender)]
