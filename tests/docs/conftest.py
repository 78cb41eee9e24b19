"""A checkout to follow the guides in, which the documents share, with one demo for all of them."""

from collections.abc import Iterator

import pytest

from tests.docs.checkout import Checkout, checkout


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout for the documents that leave its code as it is."""
    with checkout(tmp_path_factory.mktemp("guides")) as copy:
        yield copy
