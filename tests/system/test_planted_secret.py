"""Secrets are planted, sent, echoed and refused; then all that the service wrote or sent is searched for them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from automation.domain.executions import ExecutionStatus
from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from security.key_format import generate
from tests.databases import Cluster, DatabaseUrls
from tests.engine.actions.receiver import Answer, Receiver, receiving, response
from tests.engine.workers import a_worker, worker_settings
from tests.plain_http import PLAIN
from tests.secret_keys import SECRET_KEYS
from tests.system.processes import Process, serving
from tests.system.tenancy import EXECUTIONS, RULES, SECRETS

TOKEN = "planted+Token/of=4f9d2c71e8b35a60"
TEXT = 'planted "text" <of> ünd & 7c1e'
ADDRESS = "/services/planted/T04XB19x7Kq2"
REFUSED = "planted but refused 9a8b"


@dataclass
class Seen:
    """All that was sent, by what it was the answer to."""

    client: httpx.AsyncClient
    texts: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self.client.request(method, path, **options)
        self.texts[f"{method} {path} {len(self.texts)}"] = f"{answer.headers} {answer.text}"
        return answer


def forms(value: str) -> set[str]:
    """Return what would give a value away."""
    encoded = {base64.b64encode(b" " * shift + value.encode()).decode()[4 : 4 + len(value)] for shift in range(3)}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {value, quote(value, safe=""), quote_plus(value), value.encode().hex(), value[:20], *escaped, *encoded}


def given_away(texts: dict[str, str]) -> list[str]:
    """Return where one of the planted values stands."""
    wanted = {form for value in (TOKEN, TEXT, ADDRESS, REFUSED) for form in forms(value)}
    return [place for place, text in texts.items() if any(form in text for form in wanted)]


def echoing(receiver: Receiver) -> Answer:
    """Answer with all that came, in many forms; to a path that says so with an error, and more than is kept of it."""

    async def answer(writer: Any) -> None:
        came = receiver.received[-1]
        authorization = came.headers.get("authorization", "")
        echo = {
            "headers": came.headers,
            "target": came.target,
            "body": came.body.decode(),
            "parsed": json.loads(came.body or b"null"),
            "basic": base64.b64encode(f"user:{authorization}".encode()).decode(),
            authorization: came.body.hex(),
        }
        failing = "fail" in came.target
        filling = {"filling": "x" * 4000} if failing else {}
        body = json.dumps({**filling, **echo}).encode()
        location = f"Location: http://elsewhere.example/?{came.target}"
        status = "500 Internal Server Error" if failing else "200 OK"
        writer.write(response(body, "Content-Type: application/json", location, "Connection: close", status=status))
        await writer.drain()

    return answer


@asynccontextmanager
async def an_operator(urls: DatabaseUrls, url: str) -> AsyncIterator[Seen]:
    administration, made = Administration(urls.owner), generate()
    tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
    user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    administration.create_key(tenant, user, digest=made.digest, prefix=made.prefix)
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": made.plaintext}, **PLAIN) as client:
        yield Seen(client)


@pytest.fixture
def urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    with cluster.database() as made:
        yield made


@pytest.fixture
def service(urls: DatabaseUrls, tmp_path: Path) -> Iterator[Process]:
    settings = {
        "AUTOMATION_DATABASE_URL": urls.api,
        "AUTOMATION_DATA_DIR": str(tmp_path),
        "AUTOMATION_SECRET_KEYS": SECRET_KEYS,
        "AUTOMATION_LOG_LEVEL": "debug",
    }
    with serving(settings) as process:
        yield process


@pytest.fixture
def worker(urls: DatabaseUrls) -> Iterator[Process]:
    with a_worker(worker_settings(urls)) as process:
        yield process


def dumped(urls: DatabaseUrls) -> dict[str, str]:
    """Return every row of every table, as text."""
    with psycopg.connect(urls.admin) as admin:
        tables = admin.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'procrastinate')"
        ).fetchall()
        return {
            f"table {name}": str(
                admin.execute(
                    SQL("SELECT t::text FROM {}.{} t").format(Identifier(schema), Identifier(name))
                ).fetchall()
            )
            for schema, name in tables
        }


def the_rule(receiver: Receiver) -> dict[str, Any]:
    call = {
        "url": f"{receiver.url}/ok?token=${{secrets.TOKEN}}",
        "headers": {"Authorization": "Bearer ${secrets.TOKEN}"},
        "json": {"text": "${secrets.TEXT}", "more": ["${secrets.TOKEN} ${secrets.TEXT}"]},
    }
    later = '${context.actions."0".body.parsed.text} ${context.actions."0".body.headers.authorization}'
    return {
        "name": "Tell the receiver",
        "status": "active",
        "actions": [
            {"type": "webhook_call", "config": call},
            {"type": "webhook_call", "config": {"url": receiver.url, "json": later}},
            {
                "type": "webhook_call",
                "config": {"url": f"{receiver.url}/${{secrets.ADDRESS}}"},
                "continue_on_error": True,
            },
            {
                "type": "webhook_call",
                "config": {"url": "${secrets.TOKEN}"},
                "continue_on_error": True,
            },
            {"type": "webhook_call", "config": {**call, "url": f"{receiver.url}/fail"}, "retry_attempts": 1},
        ],
    }


@pytest.mark.timeout(300)
async def test_a_planted_secret_is_nowhere_but_with_its_receiver(
    urls: DatabaseUrls, service: Process, worker: Process
) -> None:
    async with receiving() as receiver, an_operator(urls, service.base_url) as seen:
        receiver.answer = echoing(receiver)
        for name, value in {"TOKEN": TOKEN, "TEXT": TEXT, "ADDRESS": ADDRESS}.items():
            for _ in range(2):
                kept = await seen.ask(
                    "PUT", f"{SECRETS}/{name}", json={"value": value}, headers={"idempotency-key": f"of-{name}"}
                )
                assert kept.status_code == httpx.codes.CREATED
        for refused in ({"value": REFUSED, "more": REFUSED}, {"value": [REFUSED]}, {"valeu": REFUSED}, REFUSED):
            answer = await seen.ask("PUT", f"{SECRETS}/TOKEN", json=refused)
            assert answer.status_code == httpx.codes.BAD_REQUEST
        await seen.ask("PUT", f"{SECRETS}/TOKEN", json={"value": REFUSED}, headers={"idempotency-key": "of-TOKEN"})
        created = await seen.ask("POST", RULES, json=the_rule(receiver))
        assert created.status_code == httpx.codes.CREATED, created.text
        rule = created.json()["data"]["_links"]["self"]["href"]
        for path in (rule, f"{rule}/versions", f"{rule}/versions/1", SECRETS, f"{SECRETS}/TOKEN", "/api/v1/me"):
            assert (await seen.ask("GET", path)).is_success
        assert (await seen.ask("DELETE", f"{SECRETS}/TOKEN")).status_code == httpx.codes.CONFLICT
        await seen.ask("POST", f"{rule}/execute", json={"dry_run": True})

        started = await seen.ask("POST", f"{rule}/execute", json={})
        run = f"{EXECUTIONS}/{started.json()['data']['execution_id']}"
        ended = await _ended(seen, run)
        for path in (run, f"{run}/attempts", EXECUTIONS, "/api/v1/audit-events"):
            await seen.ask("GET", path)

        assert (ended["status"], ended["failed_action_index"]) == (ExecutionStatus.FAILED, 4), ended["logs"]
        texts = {
            **seen.texts,
            **dumped(urls),
            "the service's log": service.errors.read_text(),
            "the worker's log": worker.errors.read_text(),
            "the service's output": service.output.read_text(),
            "the worker's output": worker.output.read_text(),
        }
        assert given_away(texts) == []
        # The search would have found them: they were sent, and echoed.
        assert given_away({"a call": str(receiver.received[0])}) == ["a call"]
        assert receiver.received[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert json.loads(receiver.received[0].body)["text"] == TEXT
        assert receiver.received[2].target == f"/{quote(ADDRESS, safe='')}"
        assert json.loads(receiver.received[1].body) == "*** Bearer ***"
        assert ended["execution_context"]["actions"]["0"]["body"]["headers"]["authorization"] == "Bearer ***"


async def test_a_hooks_token_is_nowhere_but_in_the_answer_that_shows_it(urls: DatabaseUrls, service: Process) -> None:
    once = {"idempotency-key": "once"}
    rule = {
        "name": "Hooked",
        "status": "active",
        "trigger_type": "webhook",
        "trigger_config": {"headers": ["Host"]},
        "actions": [{"type": "wait", "config": {"seconds": 1}}],
    }
    async with an_operator(urls, service.base_url) as seen:
        made = (await seen.client.post(RULES, json=rule, headers=once)).json()
        place = f"{RULES}/{made['data']['rule_id']}"
        rotated = (await seen.client.post(f"{place}/hook/rotate", headers={"idempotency-key": "rotated"})).json()
        tokens = [made["hook"]["token"], rotated["hook"]["token"]]
        again = await seen.ask("POST", RULES, json=rule, headers=once)
        await seen.ask("POST", f"{place}/hook/rotate", headers={"idempotency-key": "rotated"})
        for token in (*tokens, "hook_" + "a" * 43):
            hook = f"/api/v1/automation/hooks/{token}"
            answers = [
                await seen.client.post(hook, json={"order_id": 1}),
                await seen.client.post(hook, content=b"{", headers={"content-type": "application/json"}),
                await seen.client.post(hook, content=b"<", headers={"content-type": "text/html"}),
                await seen.client.get(hook),
                await seen.client.post(f"{hook}/", json={}),
                await seen.client.post(f"{hook}%2F", json={}),
            ]
            seen.texts |= {f"{token[:8]} {index}": f"{each.headers} {each.text}" for index, each in enumerate(answers)}
        for path in (place, f"{place}/versions/1", EXECUTIONS, "/api/v1/audit-events", RULES):
            await seen.ask("GET", path)

    assert again.json() == {"data": made["data"]}
    texts = {**seen.texts, **dumped(urls), "log": service.errors.read_text(), "output": service.output.read_text()}
    wanted = {form for token in tokens for form in forms(token)} | {token[10:30] for token in tokens}
    assert [place for place, text in texts.items() if any(form in text for form in wanted)] == []
    assert "receiveWebhook" in texts["log"], "the search would have found it"


async def _ended(seen: Seen, run: str) -> Any:
    for _ in range(600):
        shown = (await seen.ask("GET", run)).json()["data"]
        if shown["status"] not in {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}:
            return shown
        await asyncio.sleep(0.1)
    raise AssertionError(shown)
