"""``python -m tools.sdk``: write the clients anew, all of them or one."""

import argparse
import sys
from pathlib import Path

from tools.sdk.clients import CLIENTS, DESCRIPTIONS, write
from tools.sdk.programs import GenerationFailed

OUTPUT = Path("dist", "sdk")


def main() -> int:
    """Write the clients that the command line asks for, and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tools.sdk", description="Generate client SDKs from the contract.")
    parser.add_argument("--only", choices=CLIENTS, help="generate this client alone")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIRECTORY", help="where to (%(default)s)")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else CLIENTS:
        try:
            print(f"{DESCRIPTIONS[name]}: {write(name, arguments.output)}", flush=True)
        except GenerationFailed as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
