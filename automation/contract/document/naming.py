"""Names of the contract in Python's form: operationIds, parameters and tags."""

import keyword
import re

_border = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_other = re.compile(r"[^0-9a-zA-Z]+")

PERMISSION = "x-required-permission"
"""The extension that names the permission which an operation requires."""

NO_PERMISSION = "none"
"""What the extension says of an operation that every principal may call, whatever its user may do."""

HOOK_TOKEN = "x-hook-token"  # noqa: S105 - a name
"""The extension that names the path parameter of a public operation which stands for an API key."""

FORM = "x-form"
"""The extension that says in words, beside a ``pattern`` or ``format``, what a text must be: ``must be …``."""

BY_TRIGGER_TYPE = "x-by-trigger-type"
"""The extension of the types of triggers that names the schema of what each of them is set to."""

LOWER_CAMEL_CASE = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]*|[0-9]+)*")


def snake_case(name: str) -> str:
    """Return ``getAutomationExecution`` as ``get_automation_execution`` and ``x-tenant-id`` as ``x_tenant_id``.

    A name that Python keeps for itself gets an underscore at its end: ``from_``.
    """
    snake = _other.sub("_", _border.sub("_", name)).strip("_").lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def module_name(tag: str) -> str:
    """Return the handler module of a tag: ``API keys`` are in ``api_keys``."""
    return _other.sub("_", tag).strip("_").lower()
