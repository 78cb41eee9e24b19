"""The README's words on generated clients: whoever follows them makes a typed call with each."""

from pathlib import Path

from tests.docs.blocks import OUTSIDE, REPOSITORY, blocks_of
from tests.docs.checkout import checkout
from tests.docs.reader import Reader


def test_the_readme_works_as_it_stands_where_there_is_node_and_java(tmp_path: Path) -> None:
    readme = REPOSITORY / "README.md"

    with checkout(tmp_path) as own, own.shell({}) as shell:
        reader = Reader(shell, own.directory, outside=True)
        reader.read(readme)

    assert reader.done == [block for block in blocks_of(readme) if block.executed]
    assert {block.language for block in reader.done if block.outside} == {"sh", "python", "ts", "text"}


def test_every_block_that_waits_for_node_is_in_the_readme() -> None:
    assert {document for document, _ in OUTSIDE} == {"README.md"}
    assert {section for _, section in OUTSIDE} <= {block.section for block in blocks_of(REPOSITORY / "README.md")}
