"""The operations of the tag Contract."""

from collections.abc import Mapping

from automation.contract.document.published import Edition, Published
from automation.contract.serving.accept import Accept
from automation.contract.serving.reply import Reply
from automation.domain.errors import PathNotFound

_YAML, _TEXT = "application/yaml", "text/plain"


async def get_contract_json(published: Published) -> Reply:
    """Return the contract as JSON, unless its publication is switched off."""
    edition = _current(published)
    return Reply(edition.json, headers=_caching(edition.json_etag))


async def get_contract_yaml(published: Published, accept: Accept) -> Reply:
    """Return the contract as YAML, called plain text for who prefers that, unless its publication is switched off."""
    edition = _current(published)
    if accept.prefers(_TEXT, _YAML):
        headers = {**_caching(edition.text_etag), "Content-Type": f"{_TEXT}; charset=utf-8"}
    else:
        headers = {**_caching(edition.yaml_etag), "Content-Type": _YAML}
    return Reply(edition.yaml, headers={**headers, "Vary": "Accept"})


def _current(published: Published) -> Edition:
    if published.withheld:
        raise PathNotFound
    return published.current


def _caching(etag: str) -> Mapping[str, str]:
    return {"ETag": etag, "Cache-Control": "public, no-cache"}
