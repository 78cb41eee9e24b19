"""Attacks by what is run: runs that hang, runs that are cancelled, and data that is not what it seems to be."""

import asyncio
import email
import json
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.system.hostile.arena import STEP, Arena
from tests.system.hostile.asking import BRIEF, answered, done, only, post
from tests.system.hostile.attacks import Attack, Target
from tests.system.tenancy import EXECUTIONS, RULES
from tests.system.wire import Wire

_HANGING = 6.0
"""Seconds that they hang: longer than another tenant's run may wait for its beginning."""
_MANY, _CANCELLED, _NUMBERS = 40, 8, 400
_SUBJECTS = (
    "=?utf-8?q?=0d=0aReply-To=3a_evil=40x.example=0d=0aContent-Type=3a_text/html=0d=0a=0d=0a<h1>x?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxlDQoNCng=?=",
    "a\r\nBcc: evil@x.example\r\n\r\nx",
    "a\u2028Bcc: evil@x.example",
    "a\u0085Bcc: evil@x.example",
    "It is done",
)
_HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip
_ENDED = {"completed", "failed", "cancelled", "timeout", "skipped"}


class RunsThatHang(Attack):
    """A tenant executes forty runs whose receiver never answers, and cancels them in the end."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy, wire = arena.greedy, Wire(arena.base_url)
        body = json.dumps({"priority": chance.choice([-10, 0, 10])}).encode()
        path = f"{RULES}/{greedy.hanging}/execute"
        answers = [await answered(lambda: post(greedy, wire, path, body)) for _ in range(_MANY)]
        await asyncio.sleep(_HANGING)
        accepted = [json.loads(answer.body)["data"]["execution_id"] for answer in answers if answer.status == 202]
        ends = [await done(greedy, wire, f"{EXECUTIONS}/{each}/cancel") for each in accepted]
        wire.close()
        return [
            *only(Counter(answer.status for answer in answers), {202, 429, 503}, needed={202}),
            *([] if {answer.status for answer in ends} <= {200, 202, 409} else [f"a cancel was answered {ends}"]),
        ]


class RunsCancelled(Attack):
    """A tenant cancels runs between two of their calls; after the answer no further call begins."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy, wire = arena.greedy, Wire(arena.base_url)
        path = f"{RULES}/{greedy.steps}/execute"
        made = [await answered(lambda: post(greedy, wire, path, b"{}")) for _ in range(_CANCELLED)]
        executions = [json.loads(each.body)["data"]["execution_id"] for each in made if each.status == 202]
        broken = await asyncio.gather(*(self._cancelled(arena, wire, each, chance) for each in executions))
        wire.close()
        return [
            *only(Counter(each.status for each in made), {202, 429, 503}, needed={202}),
            *(line for lines in broken for line in lines),
        ]

    async def _cancelled(self, arena: Arena, wire: Wire, execution: str, chance: Random) -> list[str]:
        """Cancel a run that has begun, and return what it did afterwards that it must not."""
        until = time.monotonic() + BRIEF
        while not _calls(arena, execution) and time.monotonic() < until:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, STEP))
        answer = await done(arena.greedy, wire, f"{EXECUTIONS}/{execution}/cancel")
        before = _calls(arena, execution)
        ended = await _ended(arena, wire, execution)
        await asyncio.sleep(STEP)
        calls = _calls(arena, execution) - before
        if answer.status != 202:
            return []
        return [
            *([f"{calls} calls of {execution} came after its cancel was accepted"] if calls > 1 else []),
            *([f"{execution} is {ended} after its cancel was accepted"] if ended != "cancelled" else []),
        ]


class MailForged(Attack):
    """A third party's data wants to be headers and the body of a mail."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy, wire, mailbox = arena.greedy, Wire(arena.base_url), arena.mailbox
        begin = len(mailbox.envelopes)
        for subject in chance.sample(_SUBJECTS, len(_SUBJECTS)):
            body = json.dumps({"trigger_data": {"subject": subject}}).encode()
            answer = await answered(lambda: post(greedy, wire, f"{RULES}/{greedy.mails}/execute", body))  # noqa: B023
            if answer.status == 202:
                await _ended(arena, wire, json.loads(answer.body)["data"]["execution_id"])
        wire.close()
        sent = mailbox.envelopes[begin:]
        return [line for envelope in sent for line in _of_mail(envelope.rcpt_tos, envelope.content)]


class NumbersExpanded(Attack):
    """Numbers that are short as they are sent and long where somebody writes them out."""

    target = Target.REQUESTS

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        greedy, wire = arena.greedy, Wire(arena.base_url)
        number = chance.choice(["1e308", "1.5E+300", "-9e307", "1e-300"])
        body = f'{{"trigger_data": {{"number": [{", ".join([number] * _NUMBERS)}]}}}}'.encode()
        answer = await answered(lambda: post(greedy, wire, f"{RULES}/{greedy.mails}/execute", body))
        if answer.status != 202:
            return only(Counter([answer.status]), {400, 429, 503}, needed={400})
        execution = json.loads(answer.body)["data"]["execution_id"]
        await _ended(arena, wire, execution)
        headers = {"x-api-key": greedy.tenant.key}
        shown = len((await answered(lambda: wire.ask("GET", f"{EXECUTIONS}/{execution}", headers))).body)
        wire.close()
        return [f"{len(body)} bytes of numbers became {shown}"] if shown > 4 * len(body) + 10_000 else []


def _calls(arena: Arena, execution: str) -> int:
    return sum(execution.encode() in received.body for received in arena.stepping.received)


async def _ended(arena: Arena, wire: Wire, execution: str) -> str:
    """Wait until an execution has ended; return how."""
    headers = {"x-api-key": arena.greedy.tenant.key}
    async with asyncio.timeout(BRIEF):
        while True:
            answer = await answered(lambda: wire.ask("GET", f"{EXECUTIONS}/{execution}", headers))
            if answer.status == 200 and (status := str(json.loads(answer.body)["data"]["status"])) in _ENDED:
                return status
            await asyncio.sleep(0.1)


def _of_mail(recipients: Sequence[str], content: Any) -> list[str]:
    """Return a line where a mail is not exactly what its rule says."""
    message = email.message_from_bytes(content)
    body = str(message.get_payload(decode=False)).strip()
    names = {name.lower() for name in message}
    return [
        *([f"a mail has the headers {names - _HEADERS}"] if names - _HEADERS else []),
        *([f"a mail went to {recipients}"] if recipients != ["ada@example.com"] else []),
        *([f"a mail says {body!r}"] if body != "It is done." else []),
    ]
