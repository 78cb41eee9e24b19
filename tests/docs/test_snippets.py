"""The README and the guides, followed block by block: whoever does so sees what they show."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.blocks import NOT_EXECUTED, REPOSITORY, blocks_of, documents, name_of
from tests.docs.checkout import Checkout, checkout
from tests.docs.postgresql import postgresql
from tests.docs.reader import Reader

EXTENDING = "docs/extending.md"
OPERATING = "docs/operating.md"
OTHERS = [name for name in map(name_of, documents()) if name not in {EXTENDING, OPERATING}]
WITH_BLOCKS = [name for name in OTHERS if blocks_of(REPOSITORY / name)]


def follow(name: str, place: Checkout, settings: Mapping[str, str]) -> None:
    """Do everything that a document says, but for what needs Node."""
    with place.shell(settings) as shell:
        reader = Reader(shell, place.directory)
        reader.read(REPOSITORY / name)

    assert reader.done == [block for block in blocks_of(REPOSITORY / name) if block.executed and not block.outside]


@pytest.mark.process
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", WITH_BLOCKS)
def test_a_document_works_as_it_stands(name: str, shared: Checkout) -> None:
    follow(name, shared, {})


@pytest.mark.process
@pytest.mark.timeout(900)
def test_the_guide_to_operating_works_on_servers_with_nothing_in_them(shared: Checkout) -> None:
    with postgresql() as server, postgresql() as spare:
        settings = {
            "DATABASE_HOST": server.host,
            "DATABASE_ADMIN_URL": server.admin_url,
            "SPARE_HOST": spare.host,
            "SPARE_ADMIN_URL": spare.admin_url,
        }

        follow(OPERATING, shared, settings)


@pytest.mark.process
@pytest.mark.timeout(900)
def test_the_guide_to_extending_works_on_the_code_as_it_is(tmp_path: Path) -> None:
    with checkout(tmp_path) as own, postgresql() as server:
        packages = own.directory / "site-packages"
        settings = {
            "AUTOMATION_TEST_ADMIN_URL": f"{server.admin_url}/postgres",
            "PIP_NO_INDEX": "1",
            "PIP_TARGET": str(packages),
            "PYTHONPATH": f"{own.directory}:{packages}",
        }

        follow(EXTENDING, own, settings)


def test_what_is_not_executed_is_still_there() -> None:
    sources = {block.source.strip() for path in documents() for block in blocks_of(path)}

    assert sources >= NOT_EXECUTED.keys()


def test_every_block_says_its_language() -> None:
    assert [str(block) for path in documents() for block in blocks_of(path) if not block.language] == []
