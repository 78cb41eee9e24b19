"""Settings as they may be shown: never a password, and of URLs where a database is and who asks."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation.service.settings import Settings

MASK = "***"

_PASSWORD = re.compile(r"^([a-z0-9+.-]*://[^:/?#@]*):.*@", re.IGNORECASE | re.DOTALL)
"""From the first colon after the scheme to the last @: also a password that should have been percent-encoded."""

_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|%)[^=&]*=)[^&]*", re.IGNORECASE)
"""A parameter such as ``sslpassword``; a name that is itself percent-encoded may be any."""


def mask(url: str) -> str:
    """Return a URL without its passwords; anything else as it is."""
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", url))


def shown(name: str, value: object) -> object:
    """Return a setting's value as JSON has it, a secret one without what is secret in it: of a URL, its passwords."""
    reveal = getattr(value, "get_secret_value", None)
    if reveal is not None:
        return mask(reveal()) if name.endswith("_url") else MASK
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def chosen(settings: "Settings") -> Mapping[str, object]:
    """Return what is set otherwise than by default, as it may be shown."""
    values = {name: (getattr(settings, name), field.default) for name, field in type(settings).model_fields.items()}
    return {name: shown(name, value) for name, (value, default) in values.items() if value != default}
