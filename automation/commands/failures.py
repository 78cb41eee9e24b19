"""Failures of commands: lines for people, and an exit code for scripts."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import click
from click.exceptions import NoArgsIsHelpError

FAILED = 1
WRONG_INPUT = 2

FORESEEN: Mapping[str, int] = MappingProxyType(
    {
        "automation.contract.document.findings.ContractError": FAILED,
        "automation.domain.errors.service.Unavailable": FAILED,
        "automation.engine.actions.discovery.BrokenActions": FAILED,
        "automation.demo.refusal.DemonstrationRefused": FAILED,
        "automation.demo.runs.SampleRunFailed": FAILED,
        "automation.service.databases.DatabaseNotNamed": WRONG_INPUT,
        "automation.service.http.listener.AddressUnavailable": FAILED,
        "automation.service.environment.InvalidSettings": WRONG_INPUT,
        "automation.service.refusal.StartFailure": FAILED,
        "automation.storage.former.FormerDatabase": FAILED,
        "automation.storage.pool.privileges.UnfitRole": FAILED,
        "automation.storage.accounts.refusals.AdministrationError": WRONG_INPUT,
        "automation.storage.accounts.refusals.NotMigrated": FAILED,
        "automation.storage.accounts.refusals.Busy": FAILED,
        "automation.storage.revisions.MigrationFailed": FAILED,
        "automation.storage.session.UnusableEncoding": FAILED,
        "automation.storage.embedded.failure.EmbeddedServerError": FAILED,
    }
)
"""Errors whose message is fit for the operator, and the exit code of each.

They stand here by name, so that telling one mistake apart doesn't import the machinery of all the others.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """The lines for standard error, and the exit code."""

    lines: tuple[str, ...]
    code: int


def describe(error: Exception) -> Failure | None:
    """Return the failure that an error is reported as; None for an unforeseen one, which keeps its traceback."""
    if isinstance(error, NoArgsIsHelpError):
        return Failure(tuple(error.message.splitlines()), WRONG_INPUT)
    if isinstance(error, click.UsageError):
        return Failure((_describe_usage(error),), WRONG_INPUT)
    for kind in type(error).__mro__:
        code = FORESEEN.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return Failure(tuple(f"automation: {line}" for line in str(error).splitlines() if line.strip()), code)
    if isinstance(error, OSError) and error.filename is not None:
        return Failure((f"automation: {error.filename}: {error.strerror}",), FAILED)
    return None


def _describe_usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "automation"
    message = " ".join(error.format_message().split())
    return f"{path}: {message}{'' if message.endswith(('.', '?', '!', ')')) else '.'} See '{path} --help'."
