"""Clients see all of a contract but our wiring."""

import copy

import orjson
import yaml

from automation.contract.document.published import Published
from tests.contract.tiny import STRING, Json, answer, contract, parameter, secured


def document() -> Json:
    schema = {
        "type": "object",
        "properties": {"x-kept": STRING, "plain": {**STRING, "x-gone": 1, "x-enum-varnames": []}},
        "x-gone": 1,
    }
    response = answer(schema, headers={"x-kept": {"schema": STRING}})
    response["content"]["application/json"]["example"] = {"x-kept": "a"}
    described = secured(responses={"200": response}, parameters=[parameter("x-kept", "header", STRING)])
    described |= {"x-max-body-bytes": 1, "x-handler": "a.b"}
    whole = contract({"/thing": {"get": described, "x-gone": 1}, "x-gone": 1})
    whole["components"]["securitySchemes"]["ApiKey"]["x-apikeyInfoFunc"] = "a.b"
    whole["info"] |= {"x-gone": 1, "description": "Two\nlines"}
    return {**whole, "servers": [{"url": "/", "description": "Here."}]}


def test_all_extensions_but_the_permission_are_taken_out() -> None:
    text = Published(document()).current.json.decode()

    assert "x-required-permission" in text
    assert "x-enum-varnames" in text
    assert not {name for name in ("x-gone", "x-handler", "x-max-body-bytes", "x-apikeyInfoFunc") if name in text}


def test_names_and_values_that_look_like_extensions_stay() -> None:
    public = Published(document()).current.document
    response = public["paths"]["/thing"]["get"]["responses"]["200"]

    assert response["headers"].keys() == {"x-kept"}
    assert response["content"]["application/json"]["example"] == {"x-kept": "a"}
    assert "x-kept" in response["content"]["application/json"]["schema"]["properties"]


def test_both_forms_say_the_same() -> None:
    published = Published(document()).current

    assert orjson.loads(published.json) == yaml.safe_load(published.yaml) == published.document


def test_the_document_itself_is_left_alone() -> None:
    whole = document()
    before = copy.deepcopy(whole)

    Published(whole, "/prefix")

    assert whole == before


def test_servers_follow_the_prefix() -> None:
    public = Published(document(), "/prefix").current.document

    assert public["servers"] == [{"url": "/prefix", "description": "Here."}]


def test_the_etag_changes_with_the_content_and_only_then() -> None:
    one, same = Published(document()).current, Published(document()).current
    other = Published(document(), "/prefix").current

    assert one.json_etag == same.json_etag != other.json_etag
    assert len({one.json_etag, one.yaml_etag, one.text_etag}) == 3


def test_an_operation_shows_the_examples_that_there_are_and_no_other_does() -> None:
    whole = document()
    whole["paths"]["/thing"]["parameters"] = [parameter("id", "header", STRING)]
    whole["paths"]["/other"] = {"parameters": [parameter("id", "header", STRING)], "get": secured("getOther")}
    published = Published(whole)
    before = published.current

    published.show({"getThing": {"id": "7"}})

    after = published.current.document["paths"]
    assert [each.get("example") for each in after["/thing"]["get"]["parameters"]] == ["7", None]
    assert "parameters" not in after["/thing"], "Swagger UI would show what is said at both places twice"
    assert after["/other"] == before.document["paths"]["/other"]
    assert published.current.json_etag != before.json_etag
