"""``python -m tools.contract_diff [BASE]``: 0 if clients were told of all that breaks them, 1 if not, 2 if in doubt."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from automation.contract.document.findings import ContractError
from tools.contract_diff.announcements import latest_date
from tools.contract_diff.history import CONTRACT, HistoryError, Repository
from tools.contract_diff.report import report
from tools.contract_diff.verdict import judge

UNANNOUNCED = 1
IN_DOUBT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the contract of this directory with that of a base, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tools.contract_diff", description=main.__doc__)
    parser.add_argument("base", nargs="?", metavar="BASE", help="a git reference; without it, since the last entry")
    base = parser.parse_args(arguments).base
    try:
        return _compare(base)
    except HistoryError as error:
        print(f"contract-diff: {error}.", file=sys.stderr)
    except ContractError as error:
        print(f"contract-diff: {CONTRACT} can't be compared:\n{error}", file=sys.stderr)
    return IN_DOUBT


def _compare(base: str | None) -> int:
    snapshots = Repository(Path.cwd()).snapshots(base)
    verdicts = [judge(old, new, today=latest_date()) for old, new in pairwise(snapshots)]
    for verdict in verdicts:
        print("\n".join(report(verdict, datetime.now(UTC).astimezone().date())))
    return UNANNOUNCED if any(verdict.unannounced for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
