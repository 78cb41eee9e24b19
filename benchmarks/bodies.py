"""Input and results of a seeded execution: at full size, and small; ``<number>`` becomes its number."""

from typing import Any

JsonObject = dict[str, Any]

_ITEMS = [
    {"sku": "LAMP-OAK-40", "quantity": 2, "unit_price": 39.5},
    {"sku": "BULB-E27-WARM", "quantity": 4, "unit_price": 5.125},
]
TRIGGER_DATA: JsonObject = {
    "event": "order.placed",
    "order_id": "<number>",
    "customer": {"id": "C-<number>", "name": "Ada Okafor", "email": "ada.okafor@example.com", "newsletter": False},
    "items": _ITEMS,
    "address": {"street": "Lindenweg 12", "city": "Kassel", "postal_code": "34117", "country": "DE"},
    "note": "Please ring twice; if nobody opens, leave it with the neighbours on the second floor.",
    "channel": {"name": "shop", "campaign": "autumn", "referrer": "newsletter"},
    "total": 99.5,
    "currency": "EUR",
}


def _output(body: JsonObject) -> JsonObject:
    return {"status": 200, "headers": {"content-type": "application/json"}, "body": body, "truncated": False}


_RESERVED = {"reservation": "R-<number>", "warehouse": "north", "shelf": "A-12", "items": _ITEMS}
_SENT = {
    "accepted": True,
    "carrier": "post",
    "parcel": "P-<number>",
    "note": "Handed over at the counter of the depot, in two boxes, of which the second one is marked as fragile.",
    "collected_at": "2026-01-02T07:30:00Z",
}
RESULTS: JsonObject = {
    "0": {"status": "completed", "output": _output(_RESERVED)},
    "1": {"status": "completed", "output": _output(_SENT)},
}

NARROW_TRIGGER_DATA: JsonObject = {"order_id": "<number>"}
NARROW_RESULTS: JsonObject = {"0": {"status": "completed", "output": None}}
