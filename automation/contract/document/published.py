"""The contract as clients get it: without our wiring, encoded once, with a validator for caches."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from automation.contract.document.naming import PERMISSION
from automation.contract.document.outline import entries, rewrite

# What clients have a use for; every other extension is wiring.
KEPT = frozenset({PERMISSION, "x-enum-varnames"})
# Of the mappings from names, OpenAPI lets these have extensions among the names.
EXTENSIBLE: Mapping[str, str] = {"document": "paths", "operation": "responses"}


Examples = Mapping[str, Mapping[str, str | int]]
"""Values that parameters can really have, by operationId and name."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The public form at one time; each way to write it has a strong entity tag of its own."""

    document: Mapping[str, Any]
    json: bytes
    yaml: bytes
    json_etag: str
    yaml_etag: str
    text_etag: str


class Published:
    """The public form of a contract; ``current`` is what clients get now.

    Args:
        document: The whole document; it is left as it is.
        prefix: The path that the service is mounted under, empty or ``/prefix``; ``servers`` then leads there.
        withheld: Whether the operator has switched publication off.
    """

    def __init__(self, document: Mapping[str, Any], prefix: str = "", *, withheld: bool = False) -> None:
        public = rewrite("document", document, _without_wiring)
        if prefix:
            public["servers"] = [{**server, "url": prefix} for server in public.get("servers", [{}])[:1]]
        self.withheld = withheld
        self._public: dict[str, Any] = public
        self.current = _edition(public)

    def show(self, examples: Examples) -> None:
        """Publish an edition whose parameters have these examples, which pages and tools fill in for people.

        Only who knows what there is can: the demo does, once it has made it.
        """
        self.current = _edition(_with_examples(self._public, examples))


def _edition(public: dict[str, Any]) -> Edition:
    as_json = orjson.dumps(public, option=orjson.OPT_INDENT_2)
    as_yaml = yaml.dump(public, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()
    return Edition(
        document=public,
        json=as_json,
        yaml=as_yaml,
        json_etag=_etag(as_json),
        yaml_etag=_etag(as_yaml),
        text_etag=_etag(as_yaml, of="text"),
    )


def _with_examples(public: Mapping[str, Any], examples: Examples) -> dict[str, Any]:
    """Return a document whose parameters have examples.

    Where one operation of a path has some, all of them have their parameters to themselves, and the path has none:
    Swagger UI shows a parameter twice that an operation describes otherwise than a reference of its path.
    """
    paths = dict(public["paths"])
    concerned = {entry.path for entry in entries(public) if entry.name in examples}
    for path in concerned:
        paths[path] = {name: member for name, member in paths[path].items() if name != "parameters"}
    for entry in entries(public):
        if entry.path in concerned:
            values = examples.get(entry.name, {})
            own = [_with_example(parameter, values) for parameter in entry.parameters]
            paths[entry.path][entry.method] = {**entry.node, "parameters": own}
    return {**public, "paths": paths}


def _with_example(parameter: Mapping[str, Any], values: Mapping[str, str | int]) -> Mapping[str, Any]:
    return {**parameter, "example": values[parameter["name"]]} if parameter["name"] in values else parameter


class _Dumper(yaml.CSafeDumper):
    """Writes text of several lines in block style, and uses no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _without_wiring(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    public = _without_extensions(node)
    field = EXTENSIBLE.get(kind)
    return public if field is None else {**public, field: _without_extensions(public[field])}


def _without_extensions(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if not key.startswith("x-") or key in KEPT}


def _etag(content: bytes, *, of: str = "") -> str:
    return f'"{of}{hashlib.sha256(content).hexdigest()[:32]}"'
