"""Checks a notification's config, and makes the message from it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from typing import Any

from automation.engine.actions.action import Problem

_TEXT = {"type": "string", "maxLength": 262144}

CONFIG_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to", "subject"],
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
        },
        "text": {"description": "The message as plain text.", **_TEXT},
        "html": {"description": "The message as HTML; where both are given, the reader's program chooses.", **_TEXT},
    },
}

# Lines of at most 78 ASCII characters, whatever the text: every server takes that.
_policy = SMTP.clone(cte_type="7bit")


def check(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the schema can't say of a config."""
    if not config.keys() & {"text", "html"}:
        yield Problem("", "text or html must be given")


def message(config: Mapping[str, Any], sender: str, idempotency_key: str) -> bytes:
    """Return the message that a valid config asks for, with CRLF line ends."""
    mail = EmailMessage(_policy)
    mail["From"] = sender
    mail["To"] = ", ".join(config["to"])
    mail["Subject"] = config["subject"]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id(idempotency_key, sender)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation replies
    if "text" in config:
        mail.set_content(config["text"])
    if "html" in config:
        (mail.add_alternative if "text" in config else mail.set_content)(config["html"], subtype="html")
    return mail.as_bytes()


def message_id(idempotency_key: str, sender: str) -> str:
    """Return the Message-ID of a try: the same for the same key, so that mail servers can drop what they have seen."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
