"""A start loads nothing that it doesn't use: what takes a third of a second is waited for at every start."""

import subprocess
import sys

import pytest

MIGRATING = {"alembic"}
LISTING = {"sqlalchemy"}
CHECKING = {"openapi_spec_validator"}
SERVING = {"connexion", "handlers", "security", "uvicorn"}
WORKING = {"automation.service", "psycopg", "pydantic"}


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("automation.service.server", MIGRATING | CHECKING),
        ("automation.service.worker", MIGRATING | LISTING | CHECKING | SERVING),
        (
            "automation.commands.program",
            MIGRATING | LISTING | CHECKING | SERVING | WORKING,
        ),
    ],
)
def test_what_a_process_does_not_use_is_not_loaded(module: str, unused: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"

    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())

    assert module in loaded
    assert loaded & unused == set()
