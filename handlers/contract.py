"""The operations of the tag Contract."""

from collections.abc import Mapping

from automation.contract.document.published import Published
from automation.contract.serving.reply import Reply
from automation.domain.errors import PathNotFound


async def get_contract_json(published: Published) -> Reply:
    """Return the contract as JSON, unless its publication is switched off."""
    _require_publication(published)
    return Reply(published.json, headers=_caching(published.json_etag))


async def get_contract_yaml(published: Published) -> Reply:
    """Return the contract as YAML, unless its publication is switched off."""
    _require_publication(published)
    return Reply(published.yaml, headers=_caching(published.yaml_etag))


def _require_publication(published: Published) -> None:
    if published.withheld:
        raise PathNotFound


def _caching(etag: str) -> Mapping[str, str]:
    return {"ETag": etag, "Cache-Control": "public, no-cache"}
