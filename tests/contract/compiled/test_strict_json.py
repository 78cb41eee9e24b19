"""Members that the contract calls opaque are kept as the text that they came as; everything else is read strictly."""

import json
from collections.abc import Callable

import pytest

from automation.contract.compiled.strict_json import kept, parsed_items, parsed_keeping, parsed_opaque
from automation.domain.errors import InvalidBody
from tests.contract.tiny import Handlers, Json, contract, writing

OPAQUE = frozenset({"data", "more"})
LONG = "123456789012345678901234567890"
JSON = {"content-type": "application/json"}


def texts(content: str) -> dict[str, str]:
    """Return the texts that are kept of a body."""
    return dict(parsed_keeping(content.encode(), OPAQUE)[1])


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a": [1e22, 1.10, -0, 1E+5, 3.14159265358979323846264]}',
        f'{{"a":{LONG},"b":[-{LONG}]}}',
        '{ "quoted\\" }": "}{\\u0000\\\\", "ä": "\U0001f600" }',
        "[]",
        "1",
        "null",
    ],
)
def test_an_opaque_member_is_the_text_that_came(text: str) -> None:
    for content in (
        f'{{"data":{text}}}',
        f' {{\n "data"\t:\r\n {text} , "other": [1, "data"] }} ',
        f'{{"other": {{"data": 2}}, "data": {text}}}',
        f'{{"d\\u0061ta": {text}}}',
    ):
        assert texts(content) == {"data": text}


@pytest.mark.parametrize(("also", "told"), [({}, None), ({"x-opaque": True}, '{"number": 1.10}')])
async def test_a_handler_is_given_the_text_of_a_member_that_the_contract_calls_opaque(
    handlers: Handlers, also: Json, told: str | None
) -> None:
    async def put_thing(body: Json) -> Json:
        return {"told": getattr(body["data"], "text", None)}

    schema = {"type": "object", "properties": {"data": {"type": "object", **also}}}
    things = handlers.serve(contract({"/thing": {"put": writing("putThing", schema)}}), put_thing)

    answer = await things.put("/thing", content=b'{"data": {"number": 1.10}}', headers=JSON)

    assert answer.json() == {"told": told}


def test_several_members_are_kept() -> None:
    assert texts('{"more": {"a": 1.0}, "data": {"b": 2.50}}') == {"more": '{"a": 1.0}', "data": '{"b": 2.50}'}


@pytest.mark.parametrize("content", ["{}", "[1]", "null", '{"other": {"data": {}}}', '[{"data": {}}]'])
def test_what_has_no_opaque_member_keeps_no_text(content: str) -> None:
    assert texts(content) == {}


@pytest.mark.parametrize(
    "content",
    [
        f'{{"data": {{}}, "other": {LONG}}}',
        '{"data": {}, "other": "\\u0000"}',
        '{"data": {}, "\\u0000": 1}',
        '{"data": {}, "data": {}}',
        '{"data": {}, "d\\u0061ta": {}}',
        '{"data": {"a": 1, "a": 1}}',
        '{"data": [{"a": {"b": 1, "b": 2}}]}',
        '{"data": {}, "other": {"a": 1, "a": 1}}',
        '{"data": ' + "[" * 64 + "]" * 64 + "}",
        '{"data": 1e999}',
        '{"data": {}',
        '{"data": NaN}',
    ],
)
def test_what_is_not_strict_json_is_refused(content: str) -> None:
    with pytest.raises(InvalidBody):
        texts(content)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (f'{{"data": {{"a": {LONG}}}, "other": [{LONG}]}}', "/other/0"),
        (f'{{"data": {{"a": {LONG}}}, "other": {{"data": {LONG}}}}}', "/other/data"),
        ('{"data": "\\u0000", "other": ["", "\\u0000"]}', "/other/1"),
        ('{"data": {}, "\\u0000": 1}', ""),
        ('{"data": {"a": 1, "a": 1}}', "/data/a"),
        ('{"data": {}, "d\\u0061ta": {}}', "/data"),
        ('{"data": {"' + "x" * 300 + '": [[' + '{"a": 1, "a": 1}' + "]]}}", "/data"),
        ('{"data": "' + "x" * 65_536 + '", "a": 1, "a": 1}', ""),
    ],
)
def test_the_place_of_what_is_refused_is_told(content: str, place: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        texts(content)

    assert [each.pointer for each in refused.value.violations] == [place]


@pytest.mark.parametrize("read", [parsed_opaque, lambda content: list(parsed_items(content))], ids=["whole", "items"])
def test_a_member_that_is_given_twice_is_named_in_all_that_is_read(read: Callable[[bytes], object]) -> None:
    with pytest.raises(InvalidBody) as refused:
        read(b'[{"a":1}, {"b":[{"c":1,"c":1}]}]')

    assert [each.pointer for each in refused.value.violations] == ["/1/b/0/c"]


def test_expressions_see_doubles_and_no_nul() -> None:
    value, found = parsed_keeping(f'{{"data": {{"a": {LONG}, "b\\u0000": ["\\u0000"]}}}}'.encode(), OPAQUE)

    seen = kept(value["data"], found["data"])

    assert seen == {"a": float(LONG), "b\ufffd": ["\ufffd"]}
    assert seen.text == f'{{"a": {LONG}, "b\\u0000": ["\\u0000"]}}'


@pytest.mark.parametrize(
    ("content", "twice"),
    [
        ('{"a":1,"a":1}', True),
        ('{"a":[],"b":{"x":1,"y":"}","x":[]}}', True),
        ('[{"\\u0061":{},"a":{}}]', True),
        ('{"a": { } , "a" : [ ]}', True),
        ('{"":"","":""}', True),
        ('{"a":1,"A":1}', False),
        ('{"a":"\\"a\\":1,","b":{"a":[{},[ ],{"a":1e5}]},"c":[1,1]}', False),
        ('[{"a":1},{"a":1}]', False),
        (' "{,[" ', False),
        ("{ }", False),
    ],
)
def test_a_member_that_is_given_twice_is_found_in_what_is_opaque_as_a_whole(content: str, twice: bool) -> None:
    if twice:
        with pytest.raises(InvalidBody, match="twice"):
            parsed_opaque(content.encode())
    else:
        assert parsed_opaque(content.encode()) == (json.loads(content), content)


@pytest.mark.parametrize(
    ("before", "after", "levels"), [("[", "]", 1), ('{"[":', "}", 1), ('[{"a\\"{":1,"b": ', "} ,1 ]", 2)]
)
def test_64_levels_are_read_and_no_more(before: str, after: str, levels: int) -> None:
    deep = before * (64 // levels) + "1" + after * (64 // levels)

    assert parsed_opaque(deep.encode()) == (json.loads(deep), deep)
    with pytest.raises(InvalidBody, match="64 levels"):
        parsed_opaque(f"[{deep}]".encode())


@pytest.mark.parametrize("content", [b"{}", b"7", b'"[]"', b"null", b" true"])
def test_items_are_those_of_an_array(content: bytes) -> None:
    with pytest.raises(InvalidBody, match="no array") as refused:
        list(parsed_items(content))

    assert [each.message for each in refused.value.violations] == ["must be an array"]


@pytest.mark.parametrize("content", ['[{"a": 1.10},"b", [ ]]', ' [ {"a": 1.10} ,\n"b"\t,[ ] ] '])
def test_each_item_of_an_array_has_the_text_that_it_came_as(content: str) -> None:
    assert list(parsed_items(content.encode())) == [({"a": 1.1}, '{"a": 1.10}'), ("b", '"b"'), ([], "[ ]")]
    assert list(parsed_items(b" [ ] ")) == []


def test_what_stands_for_u_0000_is_replaced_in_the_value_alone() -> None:
    text = '{"a\\u0000": ["\\u0000", "b"]}'
    value = {"a\ufffd": ["\ufffd", "b"]}

    assert parsed_opaque(text.encode()) == (value, text)
    assert list(parsed_items(f"[{text},1]".encode())) == [(value, text), (1, "1")]
