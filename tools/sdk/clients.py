"""The clients that are generated: by whom, and how an old one gives way to a new one."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.sdk import openapi_generator, python_client, typescript_client
from tools.sdk.document import Document, published

CLIENTS: Mapping[str, tuple[str, Callable[[Document, Path], None]]] = {
    "python": ("python", python_client.generate),
    "typescript": ("typescript", typescript_client.generate),
    "generator": (openapi_generator.CLIENT, openapi_generator.generate),
}
"""The clients by name: the directory that each is written to, and what writes it."""

DESCRIPTIONS: Mapping[str, str] = {
    "python": "Python, typed, sync and async, by openapi-python-client; install it with pip",
    "typescript": "TypeScript over openapi-fetch, by openapi-typescript; install it with npm",
    "generator": "TypeScript with classes over fetch, by openapi-generator; install it with npm",
}
"""What each client is, and what to do with it."""


def write(name: str, output: Path) -> Path:
    """Generate a client from the published contract, put it where the former one was, and return where that is.

    Raises:
        GenerationFailed: The generator refused; the former client is left as it was.
    """
    directory, generate = CLIENTS[name]
    with tempfile.TemporaryDirectory() as workspace:
        fresh = Path(workspace, directory)
        generate(published(), fresh)
        final = output / directory
        shutil.rmtree(final, ignore_errors=True)
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(fresh, final))
