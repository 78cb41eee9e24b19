"""The operations of the tag Actions."""

from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.reply import Reply
from automation.engine.actions.catalogue import Catalogue


async def list_action_types(catalogue: Catalogue, entity_tags: EntityTags) -> Reply:
    """Return what rules can do here; the same for every tenant."""
    return Reply(catalogue.json, etag=entity_tags.tag(catalogue.revision))
