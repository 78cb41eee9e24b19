"""Keeps secrets out of what people read: plans, logs and errors show that a value is there, and not which."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from automation.domain.secret_names import is_secret
from automation.domain.secrets import NAME
from automation.engine.expressions.pace import Step, uncounted

MASK = "***"

# The members of a pair, as lists of headers or of fields have it.
_NAMES = ("name", "key")
_VALUE = "value"
# What stands behind a name in a query, a fragment, a form or a text (the value ends at the next separator), and who
# logs in by a URL.
_parameter = re.compile(r"(?P<before>[?&;#\s]|\A)(?P<name>[^=&;?#\s]{1,200})=(?P<value>[^&;#\s]+)")
# What shows nothing but where a value comes from, with the scheme of an Authorization header.
_names_a_value = re.compile(rf"((?:Basic|Bearer|Token) )?\$\{{\s*secrets\s*\.\s*{NAME}\s*\}}", re.IGNORECASE).fullmatch
# What a name must have to be another one once it is decoded.
_encoded = re.compile("[%+]").search
_login = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<login>[^/?#@\s]{1,500})@")


def masked(value: Any, step: Step = uncounted) -> Any:
    """Return a copy of a JSON value in which every member whose name sounds like a secret's has a mask for a value.

    Whatever stands below such a name is masked as a whole, and so is the ``value`` of a pair whose ``name`` or ``key``
    it is; null stays null, and a ``${secrets.NAME}`` by itself stays as it is, since they tell nothing. In a string,
    the same goes for the parameters of a URL's query or a form, and for a URL's user and password.
    """
    if isinstance(value, str):
        return _text(value, step)
    if isinstance(value, Mapping):
        step(1 + len(value) // 2)
        hidden = hidden_members(value)
        return {name: _hidden(member) if name in hidden else masked(member, step) for name, member in value.items()}
    if isinstance(value, list | tuple):
        step(1 + len(value) // 4)
        return [masked(element, step) for element in value]
    return value


def hidden_members(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of an object that a mask stands for, each with the name that says so: its own, or its pair's.

    A pair is ``{"name": "X-Api-Key", "value": "…"}``, or has ``key`` for ``name``, in upper case or lower.
    """
    hidden = {name: name for name in members if is_secret(name)}
    for name, member in members.items():
        if name.lower() in _NAMES and isinstance(member, str) and is_secret(member.strip()):
            hidden |= {each: member for each in members if each.lower() == _VALUE}
    return hidden


def hidden_texts(text: str) -> Iterator[str]:
    """Yield what a mask stands for in a string: parameters of a query or a form, and who logs in by a URL."""
    if "://" in text:
        yield from (found["login"].partition(":")[2] or found["login"] for found in _login.finditer(text))
    if "=" in text:
        yield from (found["value"] for found in _parameter.finditer(text) if _is_masked(found))


def _hidden(value: Any) -> Any:
    tells_nothing = value is None or (isinstance(value, str) and _names_a_value(value))
    return value if tells_nothing else MASK


def _text(text: str, step: Step) -> str:
    if "://" in text:
        step(1 + text.count("://") // 2)
        text = _login.sub(rf"\g<scheme>{MASK}@", text)
    if "=" in text:
        step(1 + text.count("=") // 2)
        text = _parameter.sub(_parameter_masked, text)
    return text


def _parameter_masked(parameter: re.Match[str]) -> str:
    if not _is_masked(parameter):
        return parameter[0]
    return f"{parameter['before']}{parameter['name']}={MASK}"


def _is_masked(parameter: re.Match[str]) -> bool:
    name = parameter["name"]
    return is_secret(unquote_plus(name) if _encoded(name) else name)
