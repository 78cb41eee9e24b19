"""Kinds of values that commands take beyond click's own: times, addresses, names, keys."""

import re
from datetime import UTC, datetime

import click

from automation.domain.limits import Limit, limit_named, read_limit
from automation.domain.retention import Kept, read_period
from security.key_format import DISPLAY_LENGTH, LENGTH, PREFIX

MAXIMUM_LIMIT = 2**63 - 1
NAME_LENGTH = 200
EMAIL_LENGTH = 254

_rfc3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
_key = re.compile(
    rf"{PREFIX}[0-9A-Za-z]{{{DISPLAY_LENGTH - len(PREFIX)}}}([0-9A-Za-z]{{{LENGTH - DISPLAY_LENGTH}}})?"
).fullmatch
_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch


class Moment(click.ParamType[datetime]):
    """A time as RFC 3339 has it, with its offset; becomes a time in UTC.

    Args:
        to_come: Whether it must not be past.
    """

    name = "time"

    def __init__(self, *, to_come: bool = False) -> None:
        self._to_come = to_come

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time that a text names."""
        text = str(value)
        if not _rfc3339(text):
            self.fail(f"{text!r} is not a time such as 2030-01-31T00:00:00Z (RFC 3339)", param, ctx)
        try:
            moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            self.fail(f"{text!r} is not a time: {error}", param, ctx)
        if self._to_come and moment <= datetime.now(UTC):
            self.fail(f"{text!r} is past", param, ctx)
        return moment


class Email(click.ParamType[str]):
    """An e-mail address, as far as its shape tells; becomes lower case, so that nobody is there twice."""

    name = "email"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address."""
        text = str(value)
        if not _email(text) or not text.isprintable() or len(text) > EMAIL_LENGTH:
            self.fail(f"{text!r} is not an e-mail address", param, ctx)
        return text.lower()


class Name(click.ParamType[str]):
    """A name for people: something printable, neither empty nor with spaces around it."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        text = str(value)
        if not text.strip() or text != text.strip() or not text.isprintable() or len(text) > NAME_LENGTH:
            self.fail(f"{text!r} is not a name: 1 to {NAME_LENGTH} printable characters", param, ctx)
        return text


class LimitValue(click.ParamType[tuple[Limit, int | None]]):
    """A limit and its value, as ``max_pending=500``; ``max_pending=default`` takes a value of its own away."""

    name = "limit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Limit, int | None]:
        """Return the limit and its value, None for the default."""
        if isinstance(value, tuple):
            return value
        name, _, given = str(value).partition("=")
        try:
            return (limit_named(name), None) if given == "default" else read_limit(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PeriodValue(click.ParamType[tuple[Kept, int | None, bool]]):
    """What is kept and for how many days, as ``completed=30``; ``forever`` has no end, ``default`` takes it away.

    Becomes what is kept, the days or None for ever, and whether they are the default's.
    """

    name = "period"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Kept, int | None, bool]:
        """Return what a text sets."""
        name, _, given = str(value).partition("=")
        try:
            return (Kept.named(name), None, True) if given == "default" else (*read_period(str(value)), False)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class KeyPrefix(click.ParamType[str]):
    """The displayed prefix of a key; a whole key is accepted too, and cut to its prefix."""

    name = "key"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the prefix; what is not one is not repeated, it may be a secret."""
        text = str(value)
        if not _key(text):
            self.fail(f"a key's prefix is {PREFIX} and 8 letters and digits, as keys list shows it", param, ctx)
        return text[:DISPLAY_LENGTH]
