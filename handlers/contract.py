"""The operations of the tag Contract."""

from collections.abc import Mapping

from automation.contract.document.published import Edition, Published
from automation.contract.serving.accept import Accept
from automation.contract.serving.reply import Reply
from automation.domain.errors import PathNotFound

_YAML, _TEXT = "application/yaml", "text/plain"
_CACHING: Mapping[str, str] = {"Cache-Control": "public, no-cache"}


async def get_contract_json(published: Published) -> Reply:
    """Return the contract as JSON, unless its publication is switched off."""
    edition = _current(published)
    return Reply(edition.json, headers=_CACHING, etag=edition.json_etag)


async def get_contract_yaml(published: Published, accept: Accept) -> Reply:
    """Return the contract as YAML, called plain text for who prefers that, unless its publication is switched off."""
    edition = _current(published)
    if accept.prefers(_TEXT, _YAML):
        etag, media_type = edition.text_etag, f"{_TEXT}; charset=utf-8"
    else:
        etag, media_type = edition.yaml_etag, _YAML
    return Reply(edition.yaml, headers={**_CACHING, "Content-Type": media_type, "Vary": "Accept"}, etag=etag)


def _current(published: Published) -> Edition:
    if published.withheld:
        raise PathNotFound
    return published.current
