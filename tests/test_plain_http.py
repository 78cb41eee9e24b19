"""Clients of what runs on the loopback read no certificates, in any test."""

from pathlib import Path

HERE = Path(__file__).parent


def test_no_client_is_without_proxies_alone() -> None:
    own = [path for path in HERE.rglob("*.py") if "trust_env" in path.read_text() and path != Path(__file__)]

    assert own == [HERE / "plain_http.py"]
