"""The contract, as its own operations answer with it."""

from functools import partial
from typing import Any

import pytest

from automation.contract.document.published import Published
from automation.contract.serving.accept import Accept
from automation.domain.errors import PathNotFound
from handlers.contract import get_contract_json, get_contract_yaml

NO_WISH = Accept([])
CACHING = {"Cache-Control": "public, no-cache"}


async def test_each_form_carries_its_own_etag_and_is_asked_for_again(document: dict[str, Any]) -> None:
    published = Published(document)
    edition = published.current

    as_json, as_yaml = await get_contract_json(published), await get_contract_yaml(published, NO_WISH)

    assert (as_json.value, as_yaml.value) == (edition.json, edition.yaml)
    assert (as_json.headers, as_json.etag) == (CACHING, edition.json_etag)
    assert as_yaml.headers == {"Content-Type": "application/yaml", "Vary": "Accept", **CACHING}
    assert as_yaml.etag == edition.yaml_etag


async def test_yaml_is_plain_text_for_who_prefers_that(document: dict[str, Any]) -> None:
    published = Published(document)

    as_text = await get_contract_yaml(published, Accept(["text/plain, application/yaml;q=0.9"]))

    assert as_text.value == published.current.yaml
    assert as_text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert as_text.etag == published.current.text_etag != published.current.yaml_etag


@pytest.mark.parametrize("operation", [get_contract_json, partial(get_contract_yaml, accept=NO_WISH)])
async def test_a_contract_that_is_withheld_is_at_no_address(document: dict[str, Any], operation: Any) -> None:
    published = Published(document, withheld=True)

    with pytest.raises(PathNotFound):
        await operation(published)
