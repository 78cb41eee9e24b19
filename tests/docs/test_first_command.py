"""What ``make test-fresh`` types is the README's first block of commands: it reads it without this suite's packages."""

from tests.docs.blocks import REPOSITORY, blocks_of
from tests.fresh.readme import first_command


def test_the_first_command_is_found_as_it_stands() -> None:
    readme = REPOSITORY / "README.md"
    first = next(block for block in blocks_of(readme) if block.language == "sh")

    command = first_command(readme)

    assert command == first.source.strip()
