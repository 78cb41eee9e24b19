"""Findings: what is wrong with a contract, all of it, so that it can be mended in one go."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong with a contract, or with the code behind it; its text is one line.

    ``where`` is an operation (``GET /healthz``), a JSON pointer into the document or a position in the file.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return " ".join(f"{self.where}: {self.message}".split())


class ContractError(Exception):
    """The contract cannot be served as it is.

    Args:
        findings: Everything that is wrong with it, at least one thing.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))
