"""``docs/errors.md``: every error with its meaning, what to do, and which operations answer it: ``make docs``.

Errors are those of the tree in ``automation/domain/errors/``. An operation answers an error where the contract has an
example of it in the response of its status.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automation.contract.document.document import default_path, load
from automation.contract.document.outline import Entry, entries
from automation.contract.document.references import follow
from automation.domain.errors import AutomationError, PathNotFound, all_errors

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

_INTRODUCTION = """\
<!-- Made by `make docs` from the contract and from automation/domain/errors/; changes here get lost. -->

# Errors

Every error is a problem document (RFC 9457, `application/problem+json`) with a `code` that never changes its meaning:
branch on that. `type` leads to a page of the service that says what to do, `detail` is about this occurrence, and
`request_id` is what to quote when you ask for help. `invalid_parameter`, `invalid_body` and `invalid_input` have
`errors`, which name each parameter or part of the body that is wrong; an empty `pointer` is the body as a whole, as of
one that is no JSON, where the message has the line and the column.

What can be told from the request is looked at in this order: the address, the key, the permission, the parameters, the
body, and then what is stored. The first that is wrong is the answer.

| status | `code` | what it means |
|---|---|---|
"""
UNREACHED = "No operation: it is answered before one is reached."


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(page(load(default_path())))
    print(PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE)


def page(contract: Mapping[str, Any]) -> str:
    """Return the page for a contract."""
    errors = all_errors()
    rows = "".join(f"| {error.status} | [`{error.code}`](#{error.code}) | {error.default} |\n" for error in errors)
    return f"{_INTRODUCTION}{rows}{''.join(_section(contract, error) for error in errors)}"


def _section(contract: Mapping[str, Any], error: type[AutomationError]) -> str:
    return (
        f"\n## `{error.code}`\n\n"
        f"{error.status}, *{error.title}*. {error.default}\n\n"
        f"**What to do.** {error.advice}\n\n"
        f"**Answered by.** {_answered_by(contract, error)}\n"
    )


def _answered_by(contract: Mapping[str, Any], error: type[AutomationError]) -> str:
    everyone = list(entries(contract))
    names = [entry.name for entry in everyone if _answers(contract, entry, error)]
    if error is PathNotFound:
        return f"{_listed(names)}; and every address that the contract does not have."
    if len(names) == len(everyone):
        return "Every operation."
    if names == [entry.name for entry in everyone if "x-required-permission" in entry.node]:
        return "Every operation that requires a key."
    return f"{_listed(names)}." if names else UNREACHED


def _answers(contract: Mapping[str, Any], entry: Entry, error: type[AutomationError]) -> bool:
    response = follow(contract, entry.node["responses"].get(str(error.status), {}))
    return error.code in _codes(contract, response)


def _codes(contract: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[str]:
    for media_type in response.get("content", {}).values():
        for example in media_type["examples"].values():
            yield follow(contract, example)["value"].get("code")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    main()
