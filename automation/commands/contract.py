"""``automation contract check``: what the start-up checks, and a second opinion, without starting anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from automation.commands.failures import FAILED
from automation.commands.output import json_option, print_json, print_line

if TYPE_CHECKING:
    from automation.contract.document.findings import Finding
    from automation.contract.document.positions import Position


@click.group("contract")
def command() -> None:
    """Check the contract without starting."""


@command.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def check(file: Path | None, *, as_json: bool) -> int:
    """Check the shipped contract, or FILE, as the start of the service would; exit with 1 where it would be refused.

    Where nothing is found, openapi-spec-validator is asked, too.
    """
    from automation.contract.document.document import default_path  # noqa: PLC0415

    path = file or default_path()
    findings = _findings(path)
    places = _places(path, findings)
    if as_json:
        listed = [
            {"where": finding.where, "message": finding.message, "line": place.line, "column": place.column}
            for place, finding in places
        ]
        print_json({"file": str(path), "valid": not findings, "findings": listed})
    else:
        shown = _shortened(path)
        for place, finding in places:
            print_line(f"{shown}:{place.line}:{place.column}: {_without_place(finding)}")
        print_line(f"{shown}: {_count(findings)}")
    return FAILED if findings else 0


def _shortened(path: Path) -> Path:
    """Return the path as seen from where the command runs, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _without_place(finding: "Finding") -> str:
    """Return a finding in words, without a place that the line's beginning says already."""
    return finding.message if finding.where == "#" or finding.where.startswith("line ") else str(finding)


def _count(findings: "Sequence[Finding]") -> str:
    return f"{len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}."


def _places(path: Path, findings: "Sequence[Finding]") -> "list[tuple[Position, Finding]]":
    """Return the findings in the order of the file, each with where it is."""
    if not findings:
        return []
    from automation.contract.document.positions import Positions  # noqa: PLC0415

    positions = Positions(path.read_text(encoding="utf-8", errors="replace") if path.exists() else "")
    return sorted((positions.locate(finding), finding) for finding in findings)


def _findings(path: Path) -> "tuple[Finding, ...]":
    from automation.contract.document.document import load  # noqa: PLC0415
    from automation.contract.document.findings import ContractError  # noqa: PLC0415

    try:
        document = load(path)
    except ContractError as error:
        return error.findings
    from automation.engine.actions import Actions  # noqa: PLC0415 - with all that serves a contract
    from automation.service.application import check_installed  # noqa: PLC0415

    found = check_installed(document, Actions.load())
    if not found:
        from automation.contract.checks.second_opinion import second_opinion  # noqa: PLC0415 - takes long to import

        found = sorted(set(second_opinion(document)))
    return tuple(found)
