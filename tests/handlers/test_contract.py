"""The contract, as its own operations answer with it."""

from typing import Any

import pytest

from automation.contract.document.published import Published
from automation.domain.errors import PathNotFound
from handlers.contract import get_contract_json, get_contract_yaml


async def test_each_form_carries_its_own_etag_and_is_asked_for_again(document: dict[str, Any]) -> None:
    published = Published(document)

    as_json, as_yaml = await get_contract_json(published), await get_contract_yaml(published)

    assert (as_json.value, as_yaml.value) == (published.json, published.yaml)
    assert as_json.headers == {"ETag": published.json_etag, "Cache-Control": "public, no-cache"}
    assert as_yaml.headers == {"ETag": published.yaml_etag, "Cache-Control": "public, no-cache"}


@pytest.mark.parametrize("operation", [get_contract_json, get_contract_yaml])
async def test_a_contract_that_is_withheld_is_at_no_address(document: dict[str, Any], operation: Any) -> None:
    published = Published(document, withheld=True)

    with pytest.raises(PathNotFound):
        await operation(published)
