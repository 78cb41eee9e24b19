"""The first two blocks of the README are what ``make test-fresh`` types, read without this suite's packages."""

from tests.docs.blocks import REPOSITORY, blocks_of
from tests.fresh.readme import first_command, second_command


def test_the_first_two_commands_are_found_as_they_stand() -> None:
    readme = REPOSITORY / "README.md"
    typed = [block.source.strip() for block in blocks_of(readme) if block.language == "sh"]

    commands = [first_command(readme), second_command(readme)]

    assert commands == typed[:2]
    assert commands == ["make run", "make test"]
