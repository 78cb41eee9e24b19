"""The TypeScript client: types by openapi-typescript, a few lines of ours over openapi-fetch, compiled."""

import json
import shutil
import tempfile
from pathlib import Path

from tools.sdk.document import Document, write
from tools.sdk.programs import NODE_MODULES, NODE_PROGRAMS, run

SOURCE = Path(__file__).with_name("typescript")


def generate(document: Document, output: Path) -> None:
    """Write an npm package: its sources, and what they compile to.

    Raises:
        GenerationFailed: A generator or the compiler refused.
    """
    shutil.copytree(SOURCE, output)
    _set_version(output / "package.json", document["info"]["version"])
    _write_types(document, output / "src" / "schema.ts")
    _compile(output)


def _set_version(package: Path, version: str) -> None:
    package.write_text(json.dumps({**json.loads(package.read_text()), "version": version}, indent=2) + "\n")


def _write_types(document: Document, types: Path) -> None:
    with tempfile.TemporaryDirectory() as workspace:
        contract = write(document, Path(workspace, "openapi.json"))
        names = ("--root-types", "--root-types-no-schema-prefix")
        options = (*names, "--default-non-nullable", "false")
        run(NODE_PROGRAMS / "openapi-typescript", [contract, *options, "--output", types])


def _compile(package: Path) -> None:
    """Compile with the locked openapi-fetch, which the package itself only asks for."""
    modules = package / "node_modules"
    modules.symlink_to(NODE_MODULES)
    try:
        run(NODE_PROGRAMS / "tsc", ["--project", package])
    finally:
        modules.unlink()
