"""``automation contract check``: everything that the start-up checks, without starting anything."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from automation.commands.failures import FAILED
from automation.commands.output import json_option, print_json, print_line

if TYPE_CHECKING:
    from automation.contract.document.findings import Finding


@click.group("contract")
def command() -> None:
    """Check the contract without starting."""


@command.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def check(file: Path | None, *, as_json: bool) -> int:
    """Check the shipped contract, or FILE, as the start of the service would; exit with 1 where it would be refused."""
    from automation.contract.document.document import default_path  # noqa: PLC0415

    path = file or default_path()
    findings = _findings(path)
    if as_json:
        listed = [{"where": finding.where, "message": finding.message} for finding in findings]
        print_json({"file": str(path), "valid": not findings, "findings": listed})
    else:
        for finding in findings:
            print_line(str(finding))
        if not findings:
            print_line(f"{path}: no findings.")
    return FAILED if findings else 0


def _findings(path: Path) -> "tuple[Finding, ...]":
    from automation.contract.document.document import load  # noqa: PLC0415
    from automation.contract.document.findings import ContractError  # noqa: PLC0415

    try:
        document = load(path)
    except ContractError as error:
        return error.findings
    from automation.contract.checks.check import check as check_document  # noqa: PLC0415 - with all that serves a contract
    from automation.service.application import HANDLERS, PROVIDED  # noqa: PLC0415

    return tuple(check_document(document, handlers=HANDLERS, provided=PROVIDED))
