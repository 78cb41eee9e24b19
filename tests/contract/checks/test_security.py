"""An operation that would let the wrong callers in is found before it is served."""

import pytest

from tests.contract.sample import GET, Cases, Change, found, get, put
from tests.contract.tiny import Json

CASES: Cases = {
    "neither public nor permitted": (
        lambda d: get(d).pop("x-required-permission"),
        f"{GET}: is neither public (security: []) nor has it x-required-permission",
    ),
    "public with a permission": (
        lambda d: put(d).update({"x-required-permission": "automation:read"}),
        "PUT /things/{id}: is public (security: []), yet has x-required-permission",
    ),
    "hook with a key": (
        lambda d: get(d).update({"x-hook-token": "id"}),
        f"{GET}: has x-hook-token, but is not public (security: [])",
    ),
    "hook without a token": (
        lambda d: put(d).update({"x-hook-token": "token"}),
        "PUT /things/{id}: its x-hook-token names none of its path parameters",
    ),
    "several permissions": (
        lambda d: get(d).update({"x-required-permission": ["automation:read"]}),
        f"{GET}: its x-required-permission is not one permission's name",
    ),
    "unknown permission": (
        lambda d: get(d).update({"x-required-permission": "automation:dance"}),
        f"{GET}: requires automation:dance, which is not a permission",
    ),
    "optional security": (
        lambda d: get(d).update(security=[{}, {"ApiKey": []}]),
        f"{GET}: makes its security optional; an operation is public or it isn't",
    ),
    "unknown scheme": (
        lambda d: get(d).update(security=[{"Other": []}]),
        f"{GET}: names the security scheme Other, which is not declared",
    ),
    "scopes": (
        lambda d: get(d).update(security=[{"ApiKey": ["a"]}]),
        f"{GET}: gives ApiKey scopes, which nothing enforces; use x-required-permission",
    ),
    "no security function": (
        lambda d: d["components"]["securitySchemes"]["ApiKey"].pop("x-apikeyInfoFunc"),
        "#/components/securitySchemes/ApiKey: has no x-apikeyInfoFunc that names a function",
    ),
    "missing security function": (
        lambda d: d["components"]["securitySchemes"]["ApiKey"].update({"x-apikeyInfoFunc": "nowhere.at_all"}),
        "#/components/securitySchemes/ApiKey: its x-apikeyInfoFunc names nowhere.at_all, which can't be imported",
    ),
    "other scheme": (
        lambda d: d["components"]["securitySchemes"].update(ApiKey={"type": "http", "scheme": "basic"}),
        "#/components/securitySchemes/ApiKey: is not an API key in a header: no other scheme is served",
    ),
}


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
