"""Settings of a database session that statements here rely on, whatever the database or the role has as its own.

``ALTER ROLE … SET`` and ``ALTER DATABASE … SET`` change them for every connection. With another isolation, statements
fail that wait for one another; with another search path, tables aren't found or are somebody else's; with other forms
of times, numbers and strings, texts that PostgreSQL makes are read wrongly.
"""

from collections.abc import Mapping
from types import MappingProxyType

ENCODING = "UTF8"

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "bytea_output": "hex",
        "client_encoding": ENCODING,
        "DateStyle": "ISO, MDY",
        "default_transaction_deferrable": "off",
        "default_transaction_isolation": "read committed",
        "extra_float_digits": "1",
        "IntervalStyle": "postgres",
        "lc_numeric": "C",
        "row_security": "on",
        "standard_conforming_strings": "on",
        "TimeZone": "UTC",
        "transform_null_equals": "off",
    }
)


class UnusableEncoding(Exception):
    """The database has another encoding than UTF8; the message says what to do, in one line."""


def statements(search_path: str = "public, pg_temp") -> str:
    """Return what sets a session up, as SQL; outside of a transaction.

    Args:
        search_path: Schemas in which names are looked up, after pg_catalog.
    """
    settings = {**_SETTINGS, "search_path": search_path}
    literals = {name: value if name == "search_path" else f"'{value}'" for name, value in settings.items()}
    return "; ".join(f"SET {name} = {literal}" for name, literal in literals.items())


def refusal(encoding: str | None) -> UnusableEncoding | None:
    """Return why a database can't be used, None if it can.

    Args:
        encoding: Its ``server_encoding``, as the server reports it when it is connected to.
    """
    if encoding in {ENCODING, None}:
        return None
    return UnusableEncoding(
        f"the database has the encoding {encoding}, it must be {ENCODING}: create another one with "
        f"CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0, and point the URL to it"
    )
