"""The Python client, by openapi-python-client: its own templates with our additions, and modules of ours."""

import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from tools.sdk.document import Document, explicit, write
from tools.sdk.programs import PYTHON_PROGRAMS, run

SOURCE = Path(__file__).with_name("python")
PACKAGE = "automation_executions_client"
THEIRS = "openapi_python_client"


def generate(document: Document, output: Path) -> None:
    """Write an installable package.

    Raises:
        GenerationFailed: The generator refused, or would have left something out.
    """
    with tempfile.TemporaryDirectory() as workspace:
        templates = Path(workspace, "templates")
        shutil.copytree(SOURCE / "templates", templates)
        _append_additions(templates)
        contract = write(explicit(document), Path(workspace, "openapi.json"))
        run(
            PYTHON_PROGRAMS / "openapi-python-client",
            [
                *("generate", "--fail-on-warning", "--meta", "uv", "--path", contract, "--output-path", output),
                *("--config", SOURCE / "config.yaml", "--custom-template-path", templates),
            ],
        )
    for module in (SOURCE / "package").glob("*.jinja"):
        shutil.copyfile(module, output / PACKAGE / module.stem)


def _append_additions(templates: Path) -> None:
    """Put the generator's own templates with our additions among those that replace its own."""
    additions = SOURCE / "additions"
    for addition in sorted(additions.rglob("*.jinja")):
        name = addition.relative_to(additions)
        theirs = files(THEIRS).joinpath("templates", *name.parts).read_text(encoding="utf-8")
        target = templates / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(theirs + addition.read_text())
