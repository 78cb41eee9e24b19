"""Keeps secrets out of what people read: plans, logs and errors show that a value is there, and not which."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from automation.domain.secrets import NAME

MASK = "***"

_names_a_secret = re.compile(
    r"authorization|authentication|bearer|(api|access|client|private)[-_ ]?key|token|secret|passw(or)?d|passphrase"
    r"|credential|cookie|signature|session|jwt|\Ax-.*-key\Z|\A(x-)?auth\Z|\A(pwd|sig|pin|otp)\Z",
    re.IGNORECASE,
).search
# What stands behind a name in a query, a fragment, a form or a text (the value ends at the next separator), and who
# logs in by a URL.
_parameter = re.compile(r"(?P<before>[?&;#\s]|\A)(?P<name>[^=&;?#\s]{1,200})=(?P<value>[^&;#\s]+)")
# What shows nothing but where a value comes from, with the scheme of an Authorization header.
_names_a_value = re.compile(rf"((?:Basic|Bearer|Token) )?\$\{{\s*secrets\s*\.\s*{NAME}\s*\}}", re.IGNORECASE).fullmatch
_login = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<login>[^/?#@\s]{1,500})@")


def masked(value: Any) -> Any:
    """Return a copy of a JSON value in which every member whose name sounds like a secret's has a mask for a value.

    Whatever stands below such a name is masked as a whole; null stays null, and a ``${secrets.NAME}`` by itself stays
    as it is, since they tell nothing. In a string, the same goes for the parameters of a URL's query or a form, and for
    a URL's user and password.
    """
    if isinstance(value, Mapping):
        return {name: _member(name, member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [masked(element) for element in value]
    return _text(value) if isinstance(value, str) else value


def is_secret(name: str) -> bool:
    """Say whether a member of this name is masked."""
    return _names_a_secret(name) is not None


def hidden_texts(text: str) -> Iterator[str]:
    """Yield what a mask stands for in a string: parameters of a query or a form, and who logs in by a URL."""
    if "://" in text:
        yield from (found["login"].partition(":")[2] or found["login"] for found in _login.finditer(text))
    if "=" in text:
        yield from (found["value"] for found in _parameter.finditer(text) if _is_masked(found))


def _member(name: str, value: Any) -> Any:
    if value is None or not is_secret(name):
        return masked(value)
    return value if isinstance(value, str) and _names_a_value(value) else MASK


def _text(text: str) -> str:
    if "://" in text:
        text = _login.sub(rf"\g<scheme>{MASK}@", text)
    return _parameter.sub(_parameter_masked, text) if "=" in text else text


def _parameter_masked(parameter: re.Match[str]) -> str:
    if not _is_masked(parameter):
        return parameter[0]
    return f"{parameter['before']}{parameter['name']}={MASK}"


def _is_masked(parameter: re.Match[str]) -> bool:
    return is_secret(unquote_plus(parameter["name"]))
