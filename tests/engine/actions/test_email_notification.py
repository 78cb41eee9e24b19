import threading
import time
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.errors import Unavailable
from automation.engine.actions import (
    ActionFailed,
    ActionResources,
    ActionResult,
    Actions,
    ActionTimedOut,
    ActionWithheld,
    MailServer,
    MailTls,
    email_message,
    email_notification,
)
from tests.engine.actions.calls import a_call, lost_after
from tests.engine.actions.mail import PASSWORD, Mailbox, breaking_off, mailing

CONFIG: dict[str, Any] = {"to": ["ada@example.com"], "subject": "Done", "text": "It is done."}


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mailing() as running:
        yield running


def through(
    port: int, *, tls: MailTls = MailTls.NONE, password: str | None = None, domains: tuple[str, ...] = ()
) -> Actions:
    server = MailServer(
        host="127.0.0.1",
        port=port,
        sender="Automation <automation@sender.example>",
        tls=tls,
        username="automation" if password else None,
        password=password,
        recipient_domains=domains,
    )
    return Actions.of([email_notification.action(ActionResources(mail_server=server))])


async def send(actions: Actions, config: dict[str, Any] | None = None, **call: Any) -> ActionResult:
    return await actions.run("email_notification", config or CONFIG, a_call(**call))


async def failure(actions: Actions, config: dict[str, Any] | None = None, **call: Any) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await send(actions, config, **call)
    return raised.value


def parsed(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_message_reaches_its_recipients(mailbox: Mailbox) -> None:
    config = {**CONFIG, "to": ["ada@example.com", "bob@example.com"]}

    result = await send(through(mailbox.port), config)

    [envelope] = mailbox.envelopes
    message = parsed(envelope)
    assert envelope.mail_from == "automation@sender.example"
    assert envelope.rcpt_tos == ["ada@example.com", "bob@example.com"]
    assert message["From"] == "Automation <automation@sender.example>"
    assert message["To"] == "ada@example.com, bob@example.com"
    assert message["Subject"] == "Done"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == ["It is done."]
    assert result.output == {"message_id": message["Message-ID"], "recipients": 2}


async def test_text_and_html_are_alternatives_in_any_language(mailbox: Mailbox) -> None:
    config = {
        **CONFIG,
        "subject": " ".join(["Größe ✓"] * 20),
        "text": ".\nerledigt ✓\n.\n",
        "html": "<b>✓</b>" + "x" * 2000,
    }

    await send(through(mailbox.port), config)

    message = parsed(mailbox.envelopes[0])
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert message["Subject"] == config["subject"]
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == [".", "erledigt ✓", "."]
    assert html.get_content().splitlines() == [config["html"]]
    assert max(len(line) for line in (mailbox.envelopes[0].original_content or b"").splitlines()) <= 998


@pytest.mark.parametrize("parts", [{"text"}, {"html"}, {"text", "html"}], ids=sorted)
async def test_a_long_message_is_read_as_it_was_meant_and_written_in_a_thread(
    mailbox: Mailbox, parts: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [".", "", "erledigt ✓", "x" * 2000, *[" "] * 9000]
    texts = {"text": "\n".join(lines), "html": "\r\n".join(["<b>✓</b>", *lines])}
    threads, write = list[str](), email_message.message

    def noted(*asked: Any) -> bytes:
        threads.append(threading.current_thread().name.split("_")[0])
        return write(*asked)

    monkeypatch.setattr(email_notification, "message", noted)
    short = {name: text[:100] for name, text in texts.items() if name not in parts}

    await send(through(mailbox.port), {**CONFIG, **texts, **short})
    await send(through(mailbox.port))

    found = parsed(mailbox.envelopes[0])
    for name, kind in (("text", "plain"), ("html", "html")):
        part = found.get_body((kind,))
        assert part is not None
        assert not part.defects
        assert part.get_content().splitlines() == {**texts, **short}[name].splitlines()
    assert max(len(line) for line in (mailbox.envelopes[0].original_content or b"").splitlines()) <= 998
    assert threads == ["mail", "MainThread"]


async def test_html_alone_is_enough(mailbox: Mailbox) -> None:
    await send(through(mailbox.port), {"to": ["ada@example.com"], "subject": "Done", "html": "<p>Done</p>"})

    assert parsed(mailbox.envelopes[0]).get_content_type() == "text/html"


async def test_the_same_key_gives_the_same_message_id_and_another_key_another(mailbox: Mailbox) -> None:
    actions = through(mailbox.port)

    for key in ("one", "one", "two"):
        await send(actions, key=key)

    first, second, third = [parsed(envelope)["Message-ID"] for envelope in mailbox.envelopes]
    assert first == second != third
    assert first.endswith("@sender.example>")


async def test_without_a_mail_server_sending_fails_clearly() -> None:
    failed = await failure(Actions.of([email_notification.action(ActionResources())]))

    assert failed.message == "no mail server is configured here"
    assert failed.definite
    assert not failed.retryable


async def test_one_refused_recipient_stops_the_message_for_all(mailbox: Mailbox) -> None:
    mailbox.refused["bob@example.com"] = "550 no bob@example.com here"

    failed = await failure(through(mailbox.port), {**CONFIG, "to": ["ada@example.com", "bob@example.com"]})

    assert mailbox.envelopes == []
    assert failed.message == "the mail server refused recipient 2 of 2, nothing was sent (code 550)"
    assert failed.definite
    assert not failed.retryable


@pytest.mark.parametrize(("answer", "retryable"), [("451 try later", True), ("554 no hush", False)])
async def test_a_refused_message_is_definite(mailbox: Mailbox, answer: str, retryable: bool) -> None:
    mailbox.answer = answer

    failed = await failure(through(mailbox.port))

    assert failed.definite
    assert failed.retryable is retryable
    assert failed.metadata == {"smtp_code": int(answer[:3])}
    assert "hush" not in failed.message


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")  # on loopback alone
async def test_the_login_is_used_and_a_wrong_one_is_definite() -> None:
    async with mailing(login=True) as mailbox:
        await send(through(mailbox.port, password=PASSWORD.decode()))
        failed = await failure(through(mailbox.port, password="hush"))

    assert len(mailbox.envelopes) == 1
    assert failed.message == "the mail server refused the login (code 535)"
    assert failed.definite


async def test_a_server_that_is_not_there_is_definite(closed_port: int) -> None:
    failed = await failure(through(closed_port))

    assert failed.definite
    assert failed.retryable


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.TLS])
async def test_mail_is_never_sent_in_plain_text_when_tls_was_asked_for(mailbox: Mailbox, tls: MailTls) -> None:
    failed = await failure(through(mailbox.port, tls=tls))

    assert mailbox.envelopes == []
    assert failed.definite


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT"])
async def test_a_connection_lost_before_the_message_is_definite(command: str) -> None:
    async with breaking_off(command) as port:
        failed = await failure(through(port))

    assert failed.definite
    assert failed.retryable


@pytest.mark.parametrize(("at", "last_words"), [("DATA", b""), (".", b""), (".", b"what?\r\n"), (".", b"25")])
async def test_a_connection_lost_after_data_leaves_the_outcome_unknown(at: str, last_words: bytes) -> None:
    async with breaking_off(at, last_words=last_words) as port:
        failed = await failure(through(port))

    assert not failed.definite
    assert failed.retryable


async def test_a_connection_lost_after_the_message_was_accepted_is_a_success() -> None:
    async with breaking_off(".", last_words=b"250 accepted\r\n") as port:
        result = await send(through(port))

    assert result.output["recipients"] == 1


@pytest.mark.parametrize(("silent_at", "definite"), [("MAIL", True), (".", False)])
async def test_a_server_that_falls_silent_is_left_at_the_deadline(silent_at: str, definite: bool) -> None:
    started = time.monotonic()

    async with breaking_off(silent_at, silence=5) as port:
        failed = await failure(through(port), seconds=0.3)

    assert isinstance(failed, ActionTimedOut)
    assert failed.definite is definite
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({**CONFIG, "to": []}, "/config/to"),
        ({**CONFIG, "to": [f"a{n}@example.com" for n in range(51)]}, "/config/to"),
        ({**CONFIG, "to": ["ada@example.com"] * 2}, "/config/to"),
        ({**CONFIG, "to": ["ada"]}, "/config/to/0"),
        ({**CONFIG, "to": ["Ada <ada@example.com>"]}, "/config/to/0"),
        ({**CONFIG, "to": ["ada@example.com\r\nBcc: bob@example.com"]}, "/config/to/0"),
        ({**CONFIG, "subject": ""}, "/config/subject"),
        ({**CONFIG, "subject": "Done\r\nBcc: bob@example.com"}, "/config/subject"),
        ({**CONFIG, "subject": "Done\n"}, "/config/subject"),
        ({"to": ["ada@example.com"], "subject": "Done"}, "/config"),
        ({"to": ["ada@example.com"], "text": "Done"}, "/config/subject"),
        ({**CONFIG, "bcc": ["bob@example.com"]}, "/config/bcc"),
    ],
)
def test_a_config_that_is_no_message_is_refused(config: dict[str, Any], pointer: str) -> None:
    assert [fault.pointer for fault in through(25).check("email_notification", config)] == [pointer]


def test_templates_are_left_to_the_run() -> None:
    config = {"to": ["${trigger.mail}", "${trigger.name}@example.com"], "subject": "${trigger.s}", "text": "${trigger}"}

    assert through(25).check("email_notification", config) == []
    assert through(25).check("email_notification", {**config, "to": "${trigger.everyone}"}) == []


async def test_a_subject_that_resolved_to_two_lines_is_not_sent(mailbox: Mailbox) -> None:
    failed = await failure(through(mailbox.port), {**CONFIG, "subject": "Done\r\nBcc: bob@example.com"})

    assert mailbox.envelopes == []
    assert "/subject" in failed.message
    assert failed.definite


INJECTION = "=?utf-8?q?=0d=0aReply-To=3a_evil=40x.example=0d=0aContent-Type=3a_text/html=0d=0a=0d=0a<h1>Pay here</h1>?="


@pytest.mark.parametrize(
    "subject",
    [
        INJECTION,
        f"Order {INJECTION} arrived",
        "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
        "=?us-ascii?q?plain?=",
        "=?",
        "x" * 500,
        "two  blanks and one at the end ",
        "a " * 249 + "a",
    ],
)
async def test_a_subject_arrives_as_it_was_meant_and_adds_no_header(mailbox: Mailbox, subject: str) -> None:
    await send(through(mailbox.port), {**CONFIG, "subject": subject})

    content = mailbox.envelopes[0].original_content or b""
    message = message_from_bytes(content, policy=policy.compat32)
    assert sorted(message.keys()) == sorted(HEADERS)
    assert str(make_header(decode_header(message["Subject"].replace("\r\n", "")))) == subject
    assert message.get_content_type() == "text/plain"
    assert max(len(line) for line in content.splitlines()) <= 78


HEADERS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
)


@pytest.mark.parametrize(
    "separator", ["\r\n", "\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\x00", "\x7f"]
)
async def test_a_subject_of_several_lines_is_refused_clearly(mailbox: Mailbox, separator: str) -> None:
    failed = await failure(through(mailbox.port), {**CONFIG, "subject": f"one{separator}two"})

    assert "/subject" in failed.message
    assert (failed.definite, failed.retryable, mailbox.envelopes) == (True, False, [])


@pytest.mark.parametrize(
    "address",
    [
        '"a@example.com, eve"@example.com',
        "eve@example.com,mallory@example.com",
        "ada@exämple.com",
        "=?utf-8?q?=0d=0aBcc=3a_eve=40example.com?=@example.com",
        "ada@example.com\u2028",
        "<ada@example.com>",
    ],
)
async def test_an_address_that_is_more_than_an_address_is_refused(mailbox: Mailbox, address: str) -> None:
    failed = await failure(through(mailbox.port), {**CONFIG, "to": [address]})

    assert "/to/0" in failed.message
    assert (failed.definite, failed.retryable, mailbox.envelopes) == (True, False, [])


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=300))
def test_any_line_of_text_is_a_subject_that_is_read_as_it_was_meant(subject: str) -> None:
    content = email_message.message({**CONFIG, "subject": subject}, "automation@sender.example", "key")

    read = message_from_bytes(content, policy=policy.compat32)["Subject"]
    assert str(make_header(decode_header(read.replace("\r\n", "")))) == subject


@pytest.mark.parametrize(
    ("domains", "address", "served"),
    [
        ((), "ada@example.com", True),
        (("example.com",), "ada@example.com", True),
        (("example.com",), "ada@EXAMPLE.com", True),
        (("example.com",), "ada@mail.example.com", False),
        (("example.com",), "ada@evil-example.com", False),
        ((".example.com",), "ada@mail.example.com", True),
        ((".example.com",), "ada@evil-example.com", False),
        ((".example.com", "example.org"), "ada@example.org", True),
    ],
)
async def test_an_operator_says_which_domains_mail_may_go_to(
    mailbox: Mailbox, domains: tuple[str, ...], address: str, served: bool
) -> None:
    actions = through(mailbox.port, domains=domains)

    if served:
        await send(actions, {**CONFIG, "to": [address]})
    else:
        failed = await failure(actions, {**CONFIG, "to": [address]})
        assert failed.message == "mail may not be sent to the domain of recipient 1 of 1, nothing was sent"
        assert (failed.definite, failed.retryable) == (True, False)

    assert bool(mailbox.envelopes) is served


async def test_no_message_is_handed_over_once_the_execution_may_be_another_worker_s(mailbox: Mailbox) -> None:
    asked_before_it_connects = 1

    with pytest.raises(ActionWithheld):
        await send(through(mailbox.port), holds=lost_after(asked_before_it_connects))

    assert mailbox.envelopes == []


async def test_each_recipient_counts_and_beyond_the_days_limit_nothing_is_sent(mailbox: Mailbox) -> None:
    asked = []

    async def count(mails: int) -> int | None:
        asked.append(mails)
        return 1

    config = {**CONFIG, "to": ["ada@example.com", "bob@example.com"]}

    failed = await failure(through(mailbox.port), config, count_mails=count)

    assert failed.message == (
        "the tenant's limit mails_per_day of 1 would be exceeded, nothing was sent; it counts anew at 00:00 UTC"
    )
    assert (failed.definite, failed.retryable, failed.metadata) == (True, False, {"limit": "mails_per_day"})
    assert (asked, mailbox.envelopes) == ([2], [])


async def test_where_nobody_can_say_whether_it_may_be_sent_it_is_tried_again(mailbox: Mailbox) -> None:
    async def count(_mails: int) -> int | None:
        raise Unavailable

    failed = await failure(through(mailbox.port), count_mails=count)

    assert (failed.definite, failed.retryable, mailbox.envelopes) == (True, True, [])
