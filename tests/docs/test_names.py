"""Names that the guides give in a terminal: who reads two of them in one terminal isn't led astray by the second."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of, documents, name_of

_function = re.compile(r"^([a-z_]+)\(\) \{ (.*) \}$", re.MULTILINE)
_variable = re.compile(r"^(?:export )?([A-Z_]+)=(.*)$", re.MULTILINE)
_redirected = re.compile(r">>? ?([\w./-]+)")
_quoted = re.compile(r"'[^']*'")
_used = re.compile(r"\$\{?([A-Z_]+)")


def meanings(pattern: re.Pattern[str]) -> Mapping[str, Mapping[str, set[str]]]:
    """Return what each name is given, with the documents that do."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in documents():
        for block in blocks_of(path):
            for name, meaning in pattern.findall(block.source if block.language == "sh" else ""):
                found[name][meaning].add(name_of(path))
    return found


def test_a_function_is_the_same_in_every_guide() -> None:
    assert {name: dict(given) for name, given in meanings(_function).items() if len(given) > 1} == {}


def test_what_a_function_relies_on_is_the_same_in_every_guide() -> None:
    relied_on = {name for bodies in meanings(_function).values() for body in bodies for name in _used.findall(body)}
    variables = meanings(_variable)

    assert relied_on >= {"KEY"}
    assert {name: dict(variables[name]) for name in relied_on if len(variables[name]) > 1} == {}


@pytest.mark.process
def test_a_function_says_in_a_line_that_there_is_no_demo_or_no_answer(tmp_path: Path) -> None:
    functions = {name: body for name, bodies in meanings(_function).items() for body in bodies}
    defined = "".join(f"{name}() {{ {body} }}\n" for name, body in functions.items())
    stopped = "curl() { echo; return 7; }\n"

    said = {
        name: subprocess.run(
            ["/usr/bin/env", "bash", "-c", f"{defined}{stopped}{name} data status"],
            cwd=tmp_path,
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stderr
        for name in functions
    }

    assert {name for name in said if "make run" in said[name]} == {"demo"}
    assert {name for name in said if "no answer" in said[name]} == {
        "answer",
        "field",
        "finished",
        "hook",
        "preview",
        "show",
        "started",
        "status",
        "settle",
    }
    assert [each for each in said.values() if "Traceback" in each] == []


def test_output_goes_to_a_file_only_where_the_guide_goes_on_to_use_it() -> None:
    written = {
        target
        for path in documents()
        for block in blocks_of(path)
        if block.language == "sh"
        for target in _redirected.findall(_quoted.sub("", block.source))
    }

    assert written == {"/dev/null", "roles.sql", "service.log", "worker.log"}


def test_what_is_to_be_typed_into_a_shell_is_taken_by_any() -> None:
    bash = re.compile(r"\[\[|=~|<<<|&>|<\(|\$\{\w+:\d|^\s*(?:source|declare|local|function)\b", re.MULTILINE)

    found = {
        (path.name, each)
        for path in documents()
        for block in blocks_of(path)
        if block.language == "sh"
        for each in bash.findall(block.source)
    }

    assert found == set()
