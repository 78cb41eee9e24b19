"""The operations of the tag Secrets."""

from functools import partial
from typing import Any

import orjson

from automation.contract.compiled.links import Links
from automation.contract.serving.reply import Reply
from automation.domain.errors import InvalidBody, Violation
from automation.domain.principal import Principal
from automation.domain.secrets import LARGEST_VALUE, Secret
from automation.engine.triggers.verification import STANDARD_WEBHOOKS, standard_key
from automation.storage.secrets.secrets import Secrets
from handlers.pages import Lists, PagedList, Paging

_SUCCESS, _CREATED = 200, 201


async def list_automation_secrets(
    *,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    principal: Principal,
    secrets: Secrets,
    lists: Lists,
) -> Reply:
    """Return a page of what is known of the secrets of the principal's tenant."""
    paging = Paging(limit, cursor, if_none_match)
    listed = PagedList(lists, "listAutomationSecrets", {}, paging, principal)
    return await listed.reply(partial(secrets.page, principal.tenant), _item)


async def get_automation_secret(name: str, principal: Principal, secrets: Secrets, links: Links) -> dict[str, Any]:
    """Return what is known of a secret."""
    return {"data": _known(await secrets.get(principal.tenant, name), links)}


async def put_automation_secret(
    name: str, body: dict[str, Any], principal: Principal, secrets: Secrets, links: Links
) -> Reply:
    """Keep a value under a name."""
    value = body["value"]
    if len(value.encode()) > LARGEST_VALUE:
        raise InvalidBody(violations=[Violation(f"has more than {LARGEST_VALUE} bytes in UTF-8", pointer="/value")])
    if standard_key(value) is None:
        rule = await secrets.verifying(principal.tenant, name, STANDARD_WEBHOOKS)
        if rule is not None:
            told = f"is no key of Standard Webhooks, which is base64, as the verification of the rule {rule} wants it"
            raise InvalidBody(violations=[Violation(told, pointer="/value")])
    kept = await secrets.put(principal.tenant, principal.user, name, value)
    shown = {"data": _known(kept.secret, links)}
    if not kept.created:
        return Reply(shown, status=_SUCCESS)
    return Reply(shown, status=_CREATED, headers={"Location": links.href("getAutomationSecret", name=name)})


async def delete_automation_secret(name: str, principal: Principal, secrets: Secrets) -> None:
    """Delete a secret that no rule names."""
    await secrets.delete(principal.tenant, name)


def _known(secret: Secret, links: Links) -> dict[str, Any]:
    return {
        "name": secret.name,
        "created_by": secret.created_by,
        "created_at": secret.created_at,
        "updated_by": secret.updated_by,
        "updated_at": secret.updated_at,
        "_links": {"self": links.link("getAutomationSecret", name=secret.name)},
    }


def _item(secret: Secret, links: Links) -> bytes:
    return orjson.dumps(_known(secret, links), option=orjson.OPT_UTC_Z)
