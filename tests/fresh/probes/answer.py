"""Holds an answer to the contract. Usage: answer.py HEADERS BODY, the files in which curl left them."""

import sys
from pathlib import Path

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.responses import ResponseRules
from automation.contract.document.document import default_path, load

OPERATION = "getAutomationExecution"


def main(headers: Path, body: Path) -> None:
    """Raise an error where the answer isn't one that the operation documents."""
    status, *lines = headers.read_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    pairs = [line.partition(b":")[::2] for line in lines]
    named = [(name.strip().lower(), value.strip()) for name, value in pairs]
    code = int(status.split()[1])
    contract = Contract(load(default_path()))
    rules = ResponseRules(contract.operations[OPERATION], contract.document, contract.schemas)
    rules.require(code, named, body.read_bytes())
    if code != 200:
        raise SystemExit(f"the answer is a {code}: {body.read_text()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
