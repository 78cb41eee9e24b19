"""An operation that doesn't say what it must is found before it is served."""

import pytest

from tests.contract.sample import GET, Cases, Change, found, get, put
from tests.contract.tiny import Json, answer, operation, problem

CASES: Cases = {
    "no operationId": (lambda d: get(d).pop("operationId"), f"{GET}: has no operationId"),
    "snake operationId": (
        lambda d: get(d).update(operationId="get_thing"),
        f"{GET}: its operationId get_thing is not in lowerCamelCase",
    ),
    "no tag": (lambda d: get(d).update(tags=[]), f"{GET}: has no tags; the one tag names its handler's module"),
    "two tags": (
        lambda d: get(d).update(tags=["Things", "Things"]),
        f"{GET}: has 2 tags; the one tag names its handler's module",
    ),
    "undeclared tag": (lambda d: get(d).update(tags=["Other"]), f"{GET}: its tag Other is not declared in #/tags"),
    "no summary": (lambda d: get(d).pop("summary"), f"{GET}: has no summary"),
    "no description": (lambda d: get(d).update(description=" "), f"{GET}: has no description"),
    "callbacks": (lambda d: get(d).update(callbacks={}), f"{GET}: has callbacks, which are not served"),
    "no 500": (lambda d: get(d)["responses"].pop("500"), f"{GET}: does not document 500, which it can answer"),
    "no 400": (lambda d: get(d)["responses"].pop("400"), f"{GET}: does not document 400, which it can answer"),
    "no 401": (lambda d: get(d)["responses"].pop("401"), f"{GET}: does not document 401, which it can answer"),
    "no 413": (
        lambda d: put(d)["responses"].pop("413"),
        "PUT /things/{id}: does not document 413, which it can answer",
    ),
    "no success": (lambda d: put(d)["responses"].pop("200"), "PUT /things/{id}: documents no success"),
    "default": (
        lambda d: get(d)["responses"].update(default=problem()),
        f"{GET}: documents default; only explicit status codes can be held to",
    ),
    "error in JSON": (
        lambda d: get(d)["responses"].update({"400": answer()}),
        f"{GET}: its 400 is not application/problem+json",
    ),
    "error without content": (
        lambda d: get(d)["responses"].update({"400": {"description": "Oh."}}),
        f"{GET}: its 400 is not application/problem+json",
    ),
    "body of 204": (
        lambda d: get(d)["responses"].update({"204": answer()}),
        f"{GET}: its 204 has a body, which HTTP doesn't let it have",
    ),
    "no key": (
        lambda d: put(d).pop("parameters"),
        "PUT /things/{id}: takes no Idempotency-Key, as every operation does that changes something",
    ),
    "304 alone": (
        lambda d: get(d)["responses"].update({"304": {"description": "Same."}}),
        f"{GET}: documents 304, but takes no If-None-Match",
    ),
    "head": (
        lambda d: d["paths"].update({"/head": {"head": operation("headThing")}}),
        "HEAD /head: can't be declared: HEAD is served wherever GET is",
    ),
    "body of GET": (
        lambda d: get(d).update(requestBody=put(d)["requestBody"]),
        f"{GET}: has a body, which GET gives no meaning to (RFC 9110)",
    ),
    "body of text": (
        lambda d: put(d)["requestBody"]["content"].update({"text/plain": {}}),
        "PUT /things/{id}: its body must be application/json and nothing else: nothing else is read",
    ),
    "raw body of nothing": (
        lambda d: put(d).update({"x-raw-body": True}),
        "PUT /things/{id}: its x-raw-body is no list of media types",
    ),
    "raw body of something else": (
        lambda d: put(d).update({"x-raw-body": ["text/plain"]}),
        "PUT /things/{id}: its body has media types that its x-raw-body doesn't name",
    ),
    "headers of a raw body in capitals": (
        lambda d: put(d).update({"x-raw-body": ["application/json"], "x-raw-headers": "Ce-"}),
        "PUT /things/{id}: its x-raw-headers is not how names of headers begin, in lower case",
    ),
    "hook without 404": (
        lambda d: put(d).update({"x-hook-token": "id"}),
        "PUT /things/{id}: does not document 404, which it can answer",
    ),
    "hook without 429": (
        lambda d: put(d).update({"x-hook-token": "id"}),
        "PUT /things/{id}: does not document 429, which it can answer",
    ),
    "size limit": (
        lambda d: put(d).update({"x-max-body-bytes": "64K"}),
        "PUT /things/{id}: its x-max-body-bytes is not a positive integer",
    ),
}


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
