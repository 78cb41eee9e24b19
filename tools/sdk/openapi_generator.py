"""A third client, by openapi-generator, the generator that most clients use: fetch, with classes and camel case."""

import json
import tempfile
from pathlib import Path

from tools.sdk.document import Document, write
from tools.sdk.programs import PYTHON_PROGRAMS, run

CLIENT = "typescript-fetch"
CONFIG = Path(__file__).with_suffix(".yaml")


def generate(document: Document, output: Path) -> None:
    """Write a package of TypeScript sources, which npm compiles when it installs them.

    Raises:
        GenerationFailed: The generator refused.
    """
    with tempfile.TemporaryDirectory() as workspace:
        contract = write(document, Path(workspace, "openapi.json"))
        run(
            PYTHON_PROGRAMS / "openapi-generator-cli",
            ["generate", "--generator-name", CLIENT, "--config", CONFIG, "--input-spec", contract, "--output", output],
        )
    _describe(output / "package.json", document)


def _describe(package: Path, document: Document) -> None:
    """Say what the package is, and leave out the repository, of which the generator knows no more than placeholders."""
    written = json.loads(package.read_text())
    del written["repository"]
    written["description"] = f"A typed client of {document['info']['title']}."
    package.write_text(json.dumps(written, indent=2) + "\n")
