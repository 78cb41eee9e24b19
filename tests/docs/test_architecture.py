"""The page that leads through the code leads to what is there."""

import re
from itertools import chain
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = ("", "automation", "automation/engine/runs", "automation/storage", "automation/contract")
NAMES = sorted(set(re.findall(r"[\w./]+\.(?:py|sql|yaml)\b", PAGE)))


@pytest.mark.parametrize("name", NAMES)
def test_every_module_that_the_page_names_exists(name: str) -> None:
    places = [REPOSITORY / room / name for room in ROOMS]
    same_name = chain.from_iterable((REPOSITORY / top).rglob(name) for top in ("automation", "security", "handlers"))

    assert any(place.is_file() for place in places) or ("/" not in name and any(same_name))
