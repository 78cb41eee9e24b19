"""Clients of what runs on the loopback read no certificates, in any test."""

from pathlib import Path

HERE = Path(__file__).parent


def test_no_client_is_without_proxies_alone() -> None:
    written = {path: path.read_text() for path in HERE.rglob("*.py") if path != Path(__file__)}

    assert [path for path, text in written.items() if "trust_env=" in text] == []
