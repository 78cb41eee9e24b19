"""The contract's file is read strictly, as JSON written in YAML."""

from pathlib import Path

import pytest

from automation.contract.document.document import default_path, load, parse
from automation.contract.document.findings import ContractError

ALIAS_BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)
)


def test_the_shipped_contract_is_found_in_a_checkout() -> None:
    assert default_path() == Path(__file__).parents[3] / "openapi.yaml"


def test_what_json_has_is_read_as_json_has_it() -> None:
    document = parse("a: 1\nb: -1.5e3\nc: true\nd: null\ne: ~\nf:\n200: x\n")

    assert document == {"a": 1, "b": -1500.0, "c": True, "d": None, "e": None, "f": None, "200": "x"}


@pytest.mark.parametrize(
    "text", ["2026-01-01", "2026-01-01T00:00:00Z", "yes", "off", "012", "1:30", "0x10", ".inf", "3.0.3"]
)
def test_everything_else_is_a_string(text: str) -> None:
    assert parse(f"a: {text}") == {"a": text}


def test_templates_are_text() -> None:
    assert parse("a: 'x {{ 7*7 }}'") == {"a": "x {{ 7*7 }}"}


def test_what_an_alias_names_is_a_copy() -> None:
    document = parse("a: &x {b: 1}\nc: *x")

    document["a"]["b"] = 2

    assert document["c"] == {"b": 1}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: 1\na: 2\n", "line 2, column 1: the key a is given twice"),
        ("x:\n  '200': 1\n  200: 2\n", "line 3, column 3: the key 200 is given twice"),
        ("true: 1\n", "line 1, column 1: a key is not a string"),
        ("a: [1\n", "line 2, column 1: did not find expected ',' or ']'"),
        ("a: !!python/name:os.system x\n", "line 1, column 4: "),
        ("- a\n", "#: is not a mapping"),
        ("", "#: is empty"),
        ("# nothing yet\n", "#: is empty"),
        ("a: &x [*x]\n", "#: has more than 200000 nodes, or refers to itself through an alias"),
        ("a: " + "[" * 5000, "#: is nested too deeply"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
            "#: has more",
        ),
    ],
)
def test_what_is_wrong_with_the_text_is_told_with_its_place(text: str, finding: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse(text)

    assert str(caught.value).startswith(finding.partition("did not")[0])


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read: No such file"):
        load(tmp_path / "nothing.yaml")


def test_a_file_that_is_not_utf_8_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: \xe4")

    with pytest.raises(ContractError, match="line 2, column 4: is not UTF-8"):
        load(file)
