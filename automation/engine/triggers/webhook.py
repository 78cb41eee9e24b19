"""Webhooks: what other systems send to a rule's hook, and what runs see of it as ``trigger``."""

import re
from binascii import a2b_qp
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.compiled.strict_json import parsed_opaque
from automation.contract.compiled.violations import of_whole
from automation.contract.document.references import pointer
from automation.contract.serving.request_head import RequestHead
from automation.domain.errors import SecretsNotConfigured, Violation
from automation.domain.hooks import Hook
from automation.domain.opaque import Opaque
from automation.domain.secret_names import is_secret
from automation.engine.triggers.verification import verified
from automation.storage.pool.encoding import without_nul
from automation.storage.trigger_data import bounded

WAIT = "wait"
"""What a hook's ``respond`` says that answers with the end of the execution."""

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
_AS_QUOTED = bytes.maketrans(b"%+", b"= ")
# A percent sign that begins no escape stands for itself.
_stray = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SECONDS_TO_SET_KEYS = "60"


def violations(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is wrong with the settings of a webhook trigger that no schema can say."""
    for index, name in enumerate(config.get("headers", ())):
        if is_secret(name):
            yield Violation(
                "is a header that logs in or signs, which no run is to show", pointer=pointer("headers", index)
            )


def delivery_of(hook: Hook, head: RequestHead, body: RawBody | None, now: float) -> bytes | None:
    """Return what tells a delivery from others of the same hook, as a hash; None where nothing does.

    Args:
        hook: The hook.
        head: The head of the request.
        body: Its body; None where there is none.
        now: The time, in seconds since 1970.

    Raises:
        SignatureInvalid: It is not signed as the hook's settings want it.
        SecretsNotConfigured: The secret that it must be signed with can't be read here.
    """
    wanted = hook.config.get("verification")
    header = hook.config.get("delivery_id_header", "").lower()
    identifier = head.headers.get(header)
    if wanted is not None:
        if hook.secret is None:
            raise SecretsNotConfigured(headers={"Retry-After": _SECONDS_TO_SET_KEYS})
        content = b"" if body is None else body.content
        identifier = verified(wanted, head.headers, content, hook.secret, now) or identifier
    return sha256(identifier.encode("utf-8", "surrogatepass")).digest() if identifier else None


def trigger_of(config: Mapping[str, Any], head: RequestHead, query: Mapping[str, Any], body: RawBody | None) -> Opaque:
    """Return what runs see as ``trigger``: JSON as the text that it came as, so that numbers keep their digits.

    Args:
        config: What the rule's trigger is set to.
        head: The head of the request.
        query: Its query.
        body: Its body; None where there is none.

    Raises:
        InvalidBody: The body isn't what its media type says.
        ContentTooLarge: It is too large as JSON.
    """
    value, text = _body(body)
    wanted = {name.lower() for name in config.get("headers", ()) if not is_secret(name)}
    beside, written = _stored(
        {
            "headers": {name: text for name, text in head.headers.items() if name in wanted},
            "method": head.method,
            "query": dict(query),
        }
    )
    return Opaque({"body": value, **beside}, f'{{"body":{text},{written[1:]}')


def _body(body: RawBody | None) -> tuple[Any, str]:
    """Return what a body says, and that as JSON."""
    if body is None:
        return None, "null"
    if body.media_type == _JSON:
        return parsed_opaque(body.content)
    try:
        text = body.content.decode()
        value = _fields(body.content) if body.media_type == _FORM else text
    except UnicodeDecodeError:
        raise of_whole("The body is not UTF-8.", "must be UTF-8") from None
    return _stored(value)


def _stored(value: Any) -> tuple[Any, str]:
    """Return a value as it can be stored, and as JSON, where a character may have six bytes.

    Raises:
        ContentTooLarge: It has too many.
    """
    document = orjson.dumps(value)
    text = without_nul(document)
    return (value if text is document else orjson.loads(text)), bounded(text.decode())


def _fields(content: bytes) -> dict[str, str | list[str]]:
    """Return the fields of a form in UTF-8 by their names, a list for one that is given more than once."""
    if content.count(b"&") >= _MOST_FIELDS:
        raise of_whole(f"A form has at most {_MOST_FIELDS} fields.", f"must have at most {_MOST_FIELDS} fields")
    fields: dict[str, list[str]] = {}
    for pair in filter(None, content.split(b"&")):
        name, _, value = pair.partition(b"=")
        fields.setdefault(_unescaped(name), []).append(_unescaped(value))
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _unescaped(text: bytes) -> str:
    """Return what a part of a form stands for: its escapes are quoted-printable's, which are read at a copy's pace."""
    return a2b_qp(_stray.sub(b"%25", text).replace(b"=", b"%3D").translate(_AS_QUOTED)).decode()
