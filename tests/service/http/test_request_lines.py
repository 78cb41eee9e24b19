"""Request lines: what the log tells of each request, at which level, and of which refusals somebody else is told."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from automation.contract.compiled.contract import Contract
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT
from automation.contract.serving.endpoint import endpoint
from automation.contract.serving.request_context import note_hook, note_problem, note_refused_key
from automation.domain.allowance import Allowance
from automation.domain.errors import TooManyRefusedKeys
from automation.domain.hooks import Hook
from automation.domain.principal import Principal
from automation.service.http import request_log as of_requests
from automation.service.http.client_addresses import ClientAddresses
from automation.service.http.request_log import RequestLog
from automation.service.problems import Problems
from tests.contract.tiny import contract, operation

TENANT, USER, RULE = UUID(int=1), UUID(int=2), UUID(int=3)
EXECUTION, MADE = "0000000A-0000-0000-0000-00000000000B", "0000000c-0000-0000-0000-00000000000d"
PRINCIPAL = Principal(TENANT, USER, frozenset(), "ak_12345678", (Allowance(TENANT, "", "requests", 60),))
HOOK = Hook(tenant=TENANT, rule_id=RULE, config={}, allowances=PRINCIPAL.allowances)
TINY = Contract(contract({"/thing": {"get": operation()}}))


async def unreached(_scope: Any) -> Any:
    raise AssertionError


def route(scope: Scope) -> None:
    scope["extensions"][ROUTING_CONTEXT] = {ENDPOINT: endpoint(TINY, TINY.operations["getThing"], unreached)}


def accept(scope: Scope) -> None:
    scope["extensions"][CONTEXT] = {"token_info": {"principal": PRINCIPAL}}


class Asked:
    """A request that was made of a request log, with all that came of it."""

    def __init__(
        self, *found: Callable[[Scope], None], status: int | None = 200, path: str = "/", location: str = ""
    ) -> None:
        self.refusals: list[int] = []
        self.messages: list[Message] = []
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "PUT",
            "path": path,
            "headers": [],
            "client": ("192.0.2.1", 50000),
            "extensions": {"given": "before"},
        }
        self._found, self._status, self._location = found, status, location

    async def _app(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.bound = structlog.contextvars.get_contextvars()
        for find in self._found:
            find(scope)
        if self._status is None:
            raise asyncio.CancelledError
        headers = [(b"x-other", b"/rules/" + MADE.encode())]
        headers += [(b"location", self._location.encode())] if self._location else []
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _receive(self) -> Message:
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self.messages.append(message)

    async def line(self) -> Mapping[str, Any]:
        """Ask, and return the one line that there is in the log."""
        log = RequestLog(
            self._app, Problems(TINY), ClientAddresses(), lambda _scope, status: self.refusals.append(status)
        )
        with capture_logs() as logs:
            try:
                await log(self.scope, self._receive, self._send)
            except asyncio.CancelledError:
                assert self._status is None
        (line,) = logs
        return line

    def fields(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])


async def test_a_line_tells_who_asked_for_what_and_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([1024.0, 1024.5004567])
    monkeypatch.setattr(of_requests, "perf_counter", lambda: next(readings))
    asked = Asked(route, accept)

    line = await asked.line()

    request_id = asked.fields()[b"x-request-id"].decode()
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": request_id,
        "method": "PUT",
        "operation": "getThing",
        "status": 200,
        "duration_ms": 500.457,
        "client": "192.0.2.1",
        "tenant": TENANT,
        "user": USER,
        "key": "ak_12345678",
    }
    assert asked.bound == {"request_id": request_id}
    assert asked.scope["extensions"]["given"] == "before"
    assert asked.scope["extensions"]["began"] == 1024.0


OTHERS: list[tuple[Callable[[Scope], None], dict[str, object]]] = [
    (lambda _scope: None, {}),
    (lambda scope: note_hook(scope, HOOK), {"tenant": TENANT, "rule_id": RULE}),
    (lambda scope: note_refused_key(scope, "ak_00000000"), {"key": "ak_00000000"}),
    (lambda scope: note_refused_key(scope, None), {}),
]


@pytest.mark.parametrize(("find", "told"), OTHERS)
async def test_of_who_is_no_principal_no_more_is_told_than_is_known(
    find: Callable[[Scope], None], told: dict[str, object]
) -> None:
    line = await Asked(find).line()

    assert {name: line[name] for name in line if name in {"tenant", "user", "key", "rule_id"}} == told
    assert line["operation"] is None


@pytest.mark.parametrize(
    ("path", "status", "location", "told"),
    [
        (f"/executions/{EXECUTION}", 200, "", {"execution_id": EXECUTION.lower()}),
        (f"/rules/{MADE}/executions/{EXECUTION}", 200, "", {"execution_id": EXECUTION.lower(), "rule_id": MADE}),
        (f"/executions/{EXECUTION}0", 200, "", {}),
        ("/executions", 201, f"/executions/{MADE}", {"execution_id": MADE}),
        ("/executions", 202, f"/executions/{MADE}", {"execution_id": MADE}),
        ("/executions", 200, f"/executions/{MADE}", {}),
        ("/executions", 203, f"/executions/{MADE}", {}),
        ("/executions", 201, "", {}),
    ],
)
async def test_a_line_names_what_was_asked_for_and_what_was_made(
    path: str, status: int, location: str, told: dict[str, str]
) -> None:
    line = await Asked(route, path=path, status=status, location=location).line()

    assert {name: line[name] for name in line if name.endswith("_id") and name != "request_id"} == told


async def test_what_no_route_was_found_for_is_nothing_that_is_named() -> None:
    line = await Asked(path=f"/executions/{EXECUTION}", status=404).line()

    assert "execution_id" not in line


@pytest.mark.parametrize(
    ("status", "level", "has_code", "refused"),
    [
        (399, "info", False, False),
        (400, "info", True, True),
        (499, "info", True, True),
        (500, "error", True, False),
        (599, "error", True, False),
        (600, "error", False, False),
        (None, "error", True, False),
    ],
)
async def test_a_line_has_the_level_and_the_code_of_its_status(
    status: int | None, level: str, *, has_code: bool, refused: bool
) -> None:
    asked = Asked(lambda scope: note_problem(scope, "one_of_them"), status=status)

    line = await asked.line()

    assert (line["status"], line["log_level"]) == (status, level)
    assert line.get("code") == ("one_of_them" if has_code else None)
    assert ("code" in line) is has_code
    assert asked.refusals == ([status] if refused else [])


async def test_a_problem_without_a_code_has_none() -> None:
    assert "code" not in await Asked(status=404).line()


async def test_one_of_many_refused_keys_has_a_line_for_who_looks_closely() -> None:
    line = await Asked(lambda scope: note_problem(scope, TooManyRefusedKeys.code), status=429).line()

    assert line["log_level"] == "debug"


@pytest.mark.parametrize("find", [accept, lambda scope: note_hook(scope, HOOK)])
async def test_whoever_is_known_is_told_what_is_left(find: Callable[[Scope], None]) -> None:
    asked = Asked(find)

    await asked.line()

    assert asked.fields()[b"ratelimit-policy"] == b'"requests";q=60;w=60'
    assert asked.fields()[b"ratelimit"] == b'"requests";r=60;t=60'


async def test_whoever_is_not_known_is_told_of_no_limit() -> None:
    asked = Asked()

    await asked.line()

    assert set(asked.fields()) == {b"x-other", b"x-request-id"}


async def test_what_is_no_request_is_passed_on_as_it_is() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "lifespan"}
    with capture_logs() as logs:
        await RequestLog(app, Problems(TINY), ClientAddresses())(scope, nothing, nothing)

    assert seen == [scope]
    assert scope == {"type": "lifespan"}
    assert logs == []
