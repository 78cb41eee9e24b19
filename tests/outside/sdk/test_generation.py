"""``make sdk`` itself: always the same, always all of it, and loud when a generator fails."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.outside.sdk.generated import Sdks, run
from tools.sdk import clients, openapi_generator, python_client, typescript_client
from tools.sdk.document import Document
from tools.sdk.programs import GenerationFailed
from tools.sdk.programs import run as run_generator

BROKEN: Document = {"openapi": "3.0.3", "info": {"title": "Broken", "version": "1"}, "security": []}


def test_generating_again_replaces_everything_by_the_same(sdks: Sdks, tmp_path: Path) -> None:
    stray = tmp_path / "typescript" / "src" / "stray.ts"
    stray.parent.mkdir(parents=True)
    stray.touch()

    run([sys.executable, "-m", "tools.sdk", "--output", tmp_path])

    assert _digests(tmp_path) == _digests(sdks.directory)


def test_one_client_can_be_generated_alone(tmp_path: Path) -> None:
    printed = run([sys.executable, "-m", "tools.sdk", "--only", "python", "--output", tmp_path])

    assert printed.startswith("Python, ")
    assert printed.endswith(f": {tmp_path / 'python'}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["python"]


@pytest.mark.parametrize(
    ("generate", "message"),
    [
        (python_client.generate, "openapi-python-client failed:\n"),
        (typescript_client.generate, "openapi-typescript failed:\n"),
        (openapi_generator.generate, "openapi-generator-cli failed:\n"),
    ],
)
def test_what_a_generator_refuses_is_told_in_its_words(
    generate: Callable[[Document, Path], None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(GenerationFailed, match=message) as raised:
        generate(BROKEN, tmp_path / "client")

    assert "paths" in str(raised.value)


def test_a_former_client_stays_when_a_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "published", lambda: BROKEN)
    former = tmp_path / "python" / "former.py"
    former.parent.mkdir()
    former.touch()

    with pytest.raises(GenerationFailed):
        clients.write("python", tmp_path)

    assert former.exists()


def test_a_generator_that_is_not_installed_is_named() -> None:
    with pytest.raises(GenerationFailed, match="openapi-nothing is not installed"):
        run_generator(Path("/nowhere/openapi-nothing"), [])


def _digests(directory: Path) -> Mapping[str, str]:
    """Return what each file holds, but for what the fixture compiled."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_relative_to(directory / "typescript-fetch" / "dist")
    }
