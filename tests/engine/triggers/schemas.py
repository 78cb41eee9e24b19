"""Input schemas that tests use."""

from typing import Any

ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["total"],
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "mail": {"type": "string", "format": "email"},
    },
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "required": ["sku"], "properties": {"sku": {"pattern": "^[A-Z-]+$"}}}},
}
