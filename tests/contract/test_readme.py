"""The README's tables, held to what they speak of."""

import re
from pathlib import Path

from automation.domain.errors import all_errors
from automation.service.settings import Settings, variable

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_table_of_errors_is_the_error_tree() -> None:
    listed = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", README, re.MULTILINE)

    assert sorted(listed) == sorted((str(error.status), error.code) for error in all_errors())


def test_every_setting_is_listed() -> None:
    assert not [field for field in Settings.model_fields if f"`{variable(field)}`" not in README]
