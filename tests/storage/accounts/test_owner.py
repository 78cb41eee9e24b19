"""Owner's URL: whether libpq can read it is told before anybody is there, and never what stands in it."""

import pytest

from automation.storage.accounts.owner import is_location


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("postgresql://127.0.0.1:1/nowhere", True),
        ("host=127.0.0.1 dbname=nowhere", True),
        ("postgresql://%zz/nowhere", False),
        ("mysql://127.0.0.1/nowhere", False),
        ("nonsense=1", False),
    ],
)
def test_what_libpq_can_read_is_a_location(url: str, readable: bool) -> None:
    assert is_location(url) == readable
