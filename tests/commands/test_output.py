"""Tables on a terminal: nothing of them is left out, whatever the terminal says of itself."""

import sys

import pytest

from automation.commands.output import print_records


@pytest.mark.parametrize("term", ["dumb", "unknown", "xterm-256color"])
def test_no_column_is_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    record: dict[str, object] = {f"column_{number}": f"{number}" * 30 for number in range(6)}

    print_records([record], list(record), as_json=False)

    printed = capsys.readouterr().out
    assert [value for value in record.values() if str(value) not in printed] == []
    assert [name for name in record if name.replace("_", " ") not in printed] == []
