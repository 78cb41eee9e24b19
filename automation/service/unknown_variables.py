"""Variables of the environment that look like settings and are none: a slip of the pen must not change what starts."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

_OF_TESTS = "TEST_"
"""What stands after the prefix in variables of a test run, which its processes inherit."""

# Kubernetes tells every container of the services beside it: one that is called "automation-api" looks like a setting.
_of_kubernetes = re.compile(r".*_SERVICE_(HOST|PORT(_\w+)?)|.*_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?").fullmatch
_address_of_kubernetes = re.compile(r"(tcp|udp|sctp)://[\w.:\[\]-]+").fullmatch


def lines(environment: Mapping[str, str], prefix: str, known: Sequence[str]) -> list[str]:
    """Return a line for each variable that has the prefix and sets nothing, with the setting that may be meant.

    Args:
        environment: The variables and their values, of which none is repeated.
        prefix: What all settings begin with.
        known: Settings that exist.
    """
    unknown = [
        name
        for name, value in sorted(environment.items())
        if name.upper().startswith(prefix) and name.upper() not in known and not _is_of_others(name, value, prefix)
    ]
    return [f"{name}: there is no such setting{_meant(name, prefix, known)}" for name in unknown]


def _is_of_others(name: str, value: str, prefix: str) -> bool:
    return (
        name.startswith(f"{prefix}{_OF_TESTS}")
        or _of_kubernetes(name) is not None
        or (name.endswith("_PORT") and _address_of_kubernetes(value) is not None)
    )


def _meant(name: str, prefix: str, known: Sequence[str]) -> str:
    short = name.upper().removeprefix(prefix)
    near = get_close_matches(short, [each.removeprefix(prefix) for each in known], n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else '; "Settings" in docs/operating.md lists all'
