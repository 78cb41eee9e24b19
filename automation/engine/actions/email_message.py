"""Checks a notification's config, and makes the message from it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, compat32
from email.utils import format_datetime, formataddr, getaddresses, parseaddr
from hashlib import sha256
from typing import Any

from automation.contract.document.references import pointer
from automation.engine.actions.action import ActionFailed, ConfigFault

_TEXT = {"type": "string", "maxLength": 262144}

EXAMPLE: Mapping[str, Any] = {
    "to": ["warehouse@acme.example"],
    "subject": "Order ${trigger.order_id}",
    "text": "It comes to ${trigger.total}.",
}
CONFIG_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to", "subject"],
    "minProperties": 3,  # text or html besides
    "properties": {
        "to": {
            "description": "The recipients' addresses, without display names.",
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
            "items": {"type": "string", "format": "email", "maxLength": 254},
        },
        "subject": {
            "description": "One line.",
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "pattern": r"^[^\u0000-\u001f\u007f]*$",
            "x-form": "one line without control characters",
        },
        "text": {"description": "The message as plain text.", **_TEXT},
        "html": {"description": "The message as HTML; where both are given, the reader's program chooses.", **_TEXT},
    },
}

# Lines of at most 78 ASCII characters, whatever the text: every server takes that.
_policy = SMTP.clone(cte_type="7bit")
_LINE_LENGTH = 78
_BRIEF = 8_192
"""Characters up to which a text is written as it is where it can be: each line of it is looked at, which took a quarter
of a second where there were many."""
_WORD_LENGTH = 60

# Python, or a reader's program, takes some of these for the end of a line or for the end of a word.
_breaks_a_line = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
# The addresses that SMTP and a header line take as they are, without quotes or comments (RFC 5321, Mailbox).
_is_plain_address = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+").fullmatch


def check(config: Mapping[str, Any]) -> Iterator[ConfigFault]:
    """Yield what the schema can't say of a config."""
    if not config.keys() & {"text", "html"}:
        yield ConfigFault("", "text or html must be given")
    if _breaks_a_line(config["subject"]):
        yield ConfigFault("/subject", "a subject is one line: it may not hold control characters or line separators")
    for index, address in enumerate(config["to"] if isinstance(config["to"], list) else ()):
        if not _is_plain_address(address):
            yield ConfigFault(pointer("to", index), "an address may only hold letters, digits and .!#$%&'*+/=?^_`{|}~-")
        elif "=?" in address:
            yield ConfigFault(pointer("to", index), "an address may not hold =?, which begins an encoded word")


def is_long(config: Mapping[str, Any]) -> bool:
    """Return whether a message takes long to write."""
    return any(len(config.get(part, "")) > _BRIEF for part in ("text", "html"))


def message(config: Mapping[str, Any], sender: str, idempotency_key: str) -> bytes:
    """Return the message that a valid config asks for, with CRLF line ends.

    Its headers are written here and not by the standard library's policies, some versions of which decode an encoded
    word that stands in a value, and write the line ends that come out of it.

    Raises:
        ActionFailed: The message, read again, does not have exactly the headers that were meant.
    """
    body = _body(config)
    headers = {
        "From": formataddr(parseaddr(sender)),
        "To": ",\r\n ".join(config["to"]),
        "Subject": _unstructured("Subject", config["subject"]),
        "Date": format_datetime(datetime.now(UTC)),
        "Message-ID": message_id(idempotency_key, sender),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation replies
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    content = head.encode("ascii") + body.as_bytes()
    _require_headers(content, [*headers, *body.keys()], config)
    return content


def _body(config: Mapping[str, Any]) -> EmailMessage:
    """Return the message without the headers that say who writes to whom."""
    body = EmailMessage(_policy)
    for subtype, text in (("plain", config.get("text")), ("html", config.get("html"))):
        if text is None:
            continue
        put = body.add_alternative if body.keys() else body.set_content
        if len(text) <= _BRIEF:
            put(text, subtype=subtype)
        else:
            lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
            put(lines, maintype="text", subtype=subtype, cte="base64", params={"charset": "utf-8"})
    return body


def _unstructured(name: str, text: str) -> str:
    """Return a header's text in folded lines: encoded where it isn't plain, or looks like an encoded word itself."""
    words = text.split(" ")
    plain = text.isascii() and "=?" not in text and all(0 < len(word) <= _WORD_LENGTH for word in words)
    header = Header(text, "us-ascii" if plain else "utf-8", header_name=name, maxlinelen=_LINE_LENGTH)
    return header.encode(linesep="\r\n")


def _require_headers(content: bytes, names: list[str], config: Mapping[str, Any]) -> None:
    found = BytesParser(policy=compat32).parsebytes(content, headersonly=True)
    try:
        unfolded = found["Subject"].replace("\r\n", "").replace("\n", "")
        subject = str(make_header(decode_header(unfolded)))
    except (HeaderParseError, LookupError, UnicodeError):
        subject = None
    addresses = [address for _, address in getaddresses([found["To"]])]
    if found.keys() != names or subject != config["subject"] or addresses != config["to"]:
        raise ActionFailed("the message's headers would not be those that were meant", definite=True, retryable=False)


def message_id(idempotency_key: str, sender: str) -> str:
    """Return the Message-ID of a try: the same for the same key, so that mail servers can drop what they have seen."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
