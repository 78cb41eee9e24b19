"""The contract as clients get it: without our wiring, encoded once, with a validator for caches."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from automation.contract.document.naming import PERMISSION
from automation.contract.document.outline import rewrite

# What clients have a use for; every other extension is wiring.
KEPT = frozenset({PERMISSION})
# Of the mappings from names, OpenAPI lets these have extensions among the names.
EXTENSIBLE: Mapping[str, str] = {"document": "paths", "operation": "responses"}


class Published:
    """The public form of a contract.

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
        self.document: dict[str, Any] = public
        self.json = orjson.dumps(public, option=orjson.OPT_INDENT_2)
        self.yaml = yaml.dump(public, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()
        self.json_etag = _etag(self.json)
        self.yaml_etag = _etag(self.yaml)


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


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
