"""The operations of the tag Rule documents."""

from uuid import UUID

from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.reply import Reply
from automation.domain.principal import Principal
from automation.engine.triggers.rule_openapi import RuleOpenApi
from automation.storage.rules import Rules


async def get_automation_rule_open_api(
    id: UUID,
    if_none_match: str | None,
    *,
    principal: Principal,
    rules: Rules,
    rule_open_api: RuleOpenApi,
    entity_tags: EntityTags,
) -> Reply:
    """Return the OpenAPI document of a rule's trigger, unless the client knows that of the rule as it is."""
    known = entity_tags.known(if_none_match)
    rule = await rules.get_unless(principal.tenant, id, known)
    if rule is None:
        return Reply(None, etag=entity_tags.tag(known or ""))
    return Reply(rule_open_api.of(rule), etag=entity_tags.tag(rule.revision))
