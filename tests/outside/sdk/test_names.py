"""The names and types that the generators chose: those that a person would choose, and no less than the contract knows.

TypeScript's types are erased and rename nothing, so that members have their names in JSON there: ``_links``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.contract.document.naming import snake_case
from automation.contract.document.outline import Entry
from tests.outside.sdk import freedom
from tests.outside.sdk.generated import Sdks
from tests.shipped_contract.shipped import ENTRIES, SCHEMAS

INVENTED = re.compile(r"\bInline\w*|\w*\d_?[Rr]esponse\w*|[A-Z]\w*Response\d+|\bfield_(?!dict\b)\w+")
"""What generators call things that have no name, or a name that they can't take; ``field_dict`` is a local variable."""

PACKAGE = Path("python", "automation_executions_client")
TYPES = Path("typescript", "src", "schema.ts")
MODELS = Path("typescript-fetch", "src", "models")

PLUMBING = {"to_dict", "from_dict", "__getitem__", "__setitem__", "__exit__", "__aexit__", "_get_kwargs"}
"""The functions of the Python client that take or return JSON, or any arguments, as such."""


def test_no_generator_had_to_invent_a_name(sdks: Sdks) -> None:
    found = {
        f"{path.relative_to(sdks.directory)}: {name}"
        for path in _sources(sdks.directory)
        for name in INVENTED.findall(f"{path.name}\n{path.read_text()}")
    }

    assert found == set()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_operations_have_their_names(entry: Entry, sdks: Sdks) -> None:
    (tag,) = entry.node["tags"]
    words = snake_case(tag)
    fetch = (sdks.directory / "typescript-fetch" / "src" / "apis" / f"{_pascal_case(words)}Api.ts").read_text()

    assert (sdks.directory / PACKAGE / "api" / words / f"{snake_case(entry.name)}.py").is_file()
    assert f"\n    {entry.name}: {{" in (sdks.directory / TYPES).read_text()
    assert f"    async {entry.name}(" in fetch


@pytest.mark.parametrize("schema", SCHEMAS)
def test_schemas_are_exported_by_their_names(schema: str, sdks: Sdks) -> None:
    assert f"export type {schema} = " in (sdks.directory / TYPES).read_text()
    if schema in freedom.aliases():
        return  # Python and openapi-generator's client put what it stands for in its place
    python = (sdks.directory / PACKAGE / "models" / "__init__.py").read_text()
    form = "Type0" if schema in freedom.nullable_maps() else ""

    assert f'    "{schema}{form}",' in python
    if schema in freedom.maps():
        return  # openapi-generator's client puts ``{ [key: string]: ... }`` in its place
    fetch = (sdks.directory / MODELS / f"{schema}.ts").read_text()
    assert re.search(rf"^export (interface|type|const) {schema}\b", fetch, re.MULTILINE)


def test_there_are_no_other_types(sdks: Sdks) -> None:
    python = re.findall(
        r'^    "(\w+)",$', (sdks.directory / PACKAGE / "models" / "__init__.py").read_text(), re.MULTILINE
    )
    typescript = re.findall(
        r"^export type (\w+) = components\['schemas'\]", (sdks.directory / TYPES).read_text(), re.MULTILINE
    )
    fetch = [path.stem for path in (sdks.directory / MODELS).glob("*.ts") if path.stem != "index"]

    # Python has classes for free objects and enumerations too, named after the member that they are the type of, and
    # null is a form of its own there.
    members = {
        schema + _pascal_case(name) + ("Type0" if (schema, name) in freedom.nullables() else "")
        for schema, name in freedom.objects() | freedom.enumerations()
    }
    members |= {f"{schema}{_pascal_case(name)}Item" for schema, name in freedom.lists()}
    members |= {_pascal_case(f"{snake_case(operation)}_{name}") for operation, name in freedom.queries()}
    # And for those of a member's forms; openapi-generator has a type for each member that has several.
    forms = {
        f"{schema}{_pascal_case(name)}Type{number}"
        for (schema, name), alternatives in freedom.unions().items()
        for number, form in enumerate(alternatives)
        if form.get("type") == "object" or "enum" in form
    }
    several = tuple(schema + _pascal_case(name) for schema, name in freedom.unions())
    named = {name + ("Type0" if name in freedom.nullable_maps() else "") for name in SCHEMAS.keys() - freedom.aliases()}
    assert set(python) == named | members | forms
    assert set(typescript) == SCHEMAS.keys()
    unnamed = freedom.aliases() | freedom.maps()
    assert {name for name in fetch if not name.startswith(several)} | unnamed == SCHEMAS.keys()


def test_links_are_called_links(sdks: Sdks) -> None:
    linked = {schema for schema, node in SCHEMAS.items() if "_links" in node.get("properties", {})}

    assert {name for name, member, _ in _python_members(sdks) if member == "links"} == linked
    assert {name for name, member, _ in _fetch_members(sdks) if member == "links"} == linked


def test_python_says_any_only_where_the_contract_does(sdks: Sdks) -> None:
    members = set(_python_members(sdks))
    anything = {(name, member) for name, member, annotation in members if re.search(r"\bAny\b", annotation)}
    others = {name for name, member in anything if member == "additional_properties"}

    assert {place for place in anything if place[1] != "additional_properties"} == freedom.values()
    assert others & freedom.closed() == set()
    taken = {(snake_case(operation), "Any | Unset") for operation in freedom.bodies()}
    assert {place for function in _python_functions(sdks) for place in function} == taken


def test_typescript_says_unknown_only_where_the_contract_does(sdks: Sdks) -> None:
    text = (sdks.directory / TYPES).read_text()
    schemas = text.partition("    schemas: {")[2].partition("    responses: {")[0]

    assert sorted(re.findall(r"(\w+)\??: unknown;", schemas)) == sorted(name for _, name in freedom.values())
    places = (freedom.objects(), freedom.lists(), freedom.named(), freedom.open_by_name())
    free = sum(len(found) for found in places)
    assert len(re.findall(r"\[key: string\]: unknown;", schemas)) == free
    assert re.findall(r"\bany\b", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)) == []
    # Neither is the contract's: it has no webhooks, and openapi-typescript no definitions of its own.
    assert re.findall(r"(\S+) = Record<string, never>", text) == ["webhooks", "$defs"]
    assert text.count("Record<string, never>") == 2


def test_openapi_generator_says_any_only_where_the_contract_does(sdks: Sdks) -> None:
    anything = {
        (name, member) for name, member, annotation in _fetch_members(sdks) if re.search(r"\bany\b", annotation)
    }

    members = freedom.values() | freedom.objects() | freedom.lists() | freedom.references()
    free = {(schema, _camel_case(name)) for schema, name in members}
    assert anything == free | {(schema, "[key: string]") for schema in freedom.open_by_name()}


def _sources(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        if path.suffix in {".py", ".ts"} and "lib" not in path.parts and "dist" not in path.parts:
            yield path


def _python_members(sdks: Sdks) -> Iterator[tuple[str, str, str]]:
    """Yield the members of the Python client's models: class, name, annotation."""
    for path in (sdks.directory / PACKAGE / "models").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, ast.AnnAssign):
                        yield node.name, ast.unparse(member.target), ast.unparse(member.annotation)


def _python_functions(sdks: Sdks) -> Iterator[set[tuple[str, str]]]:
    """Yield, for each function of the Python client but its plumbing, its module and what in its signature says Any."""
    for path in (sdks.directory / PACKAGE).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in PLUMBING:
                arguments = [argument.annotation for argument in (*node.args.args, *node.args.kwonlyargs)]
                annotations = [ast.unparse(found) for found in (*arguments, node.returns) if found is not None]
                yield {(path.stem, text) for text in annotations if re.search(r"\bAny\b", text)}


def _fetch_members(sdks: Sdks) -> Iterator[tuple[str, str, str]]:
    """Yield the members of openapi-generator's interfaces: interface, name, type."""
    for path in (sdks.directory / MODELS).glob("*.ts"):
        for name, body in re.findall(
            r"^export interface (\w+) \{$(.*?)^\}$", path.read_text(), re.DOTALL | re.MULTILINE
        ):
            for member, annotation in re.findall(
                r"^    (?:readonly )?(\w+|\[key: string\])\??: (.*);$", body, re.MULTILINE
            ):
                yield name, member, annotation


def _pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _camel_case(name: str) -> str:
    return _pascal_case(name)[0].lower() + _pascal_case(name)[1:]
