"""A request's facts are known at their stage, and read by one module alone."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.serving import request_context
from automation.contract.serving.connexion_adapter import CONTEXT, ENDPOINT, ROUTING_CONTEXT
from automation.contract.serving.endpoint import endpoint
from automation.contract.serving.request_head import RequestHead
from automation.domain.allowance import Allowance
from automation.domain.hooks import Hook
from tests.contract.tiny import PRINCIPAL, contract, operation

REPOSITORY = Path(__file__).parents[3]
ROOMS = ("automation", "handlers", "security")
SCOPE = "automation/contract/serving/"
KEEPERS = {f"{SCOPE}connexion_adapter.py", f"{SCOPE}request_context.py"}
WRITERS = {"automation/service/http/request_log.py"}


async def unreached(_scope: Any) -> Any:
    raise AssertionError


def test_a_request_that_is_not_routed_yet_has_neither_endpoint_nor_principal() -> None:
    scope = {"extensions": {"request_id": "one"}}

    assert request_context.request_id(scope) == "one"
    assert request_context.endpoint_if_routed(scope) is None
    assert request_context.principal_if_known(scope) is None


def test_a_request_whose_key_was_refused_has_an_endpoint_and_no_principal() -> None:
    tiny = Contract(contract({"/thing": {"get": operation()}}))
    routed = endpoint(tiny, tiny.operations["getThing"], unreached)
    scope = {"extensions": {ROUTING_CONTEXT: {ENDPOINT: routed}, CONTEXT: {}}}

    assert request_context.endpoint(scope) is request_context.endpoint_if_routed(scope) is routed
    assert request_context.principal_if_known(scope) is None


def test_a_request_whose_key_was_accepted_has_a_principal() -> None:
    scope = {"extensions": {CONTEXT: {"token_info": {"principal": PRINCIPAL}}}}

    assert request_context.principal(scope) is request_context.principal_if_known(scope) is PRINCIPAL


def test_a_request_is_its_keys_tenants_or_its_hooks() -> None:
    limit = Allowance(UUID(int=7), "", "tenant", 60)
    hook = Hook(tenant=UUID(int=7), rule_id=UUID(int=8), config={}, allowances=(limit,))
    with_hook: dict[str, Any] = {"extensions": {}}
    request_context.note_hook(with_hook, hook)

    assert request_context.hook(with_hook) is request_context.hook_if_any(with_hook) is hook
    assert request_context.tenant_if_known(with_hook) == hook.tenant
    with_key = {"extensions": {CONTEXT: {"token_info": {"principal": PRINCIPAL}}}}
    assert request_context.tenant_if_known(with_key) == PRINCIPAL.tenant
    assert request_context.tenant_if_known({"extensions": {}}) is None
    assert request_context.allowances(with_hook) == (limit,)
    assert request_context.allowances(with_key) == request_context.allowances({"extensions": {}}) == ()


def test_the_head_has_every_header_once() -> None:
    lines = [(b"host", b" a\t"), (b"x-mark", b"1"), (b"x-mark", b"\xc3\xa4 "), (b"x-wrong", b"\xff")]
    scope = {"method": "PUT", "headers": lines, "extensions": {"request_id": "one"}}

    assert request_context.head(scope) == RequestHead(
        "one", "PUT", {"host": "a", "x-mark": "1, ä", "x-wrong": "\N{REPLACEMENT CHARACTER}"}
    )
    assert repr(request_context.head(scope)) == "RequestHead(request_id='one', method='PUT')"


def test_what_a_client_would_rather_have_is_what_all_its_lines_say() -> None:
    lines = [(b"accept", b"application/json;q=0.2"), (b"host", b"text/html"), (b"accept", b"application/yaml")]

    accept = request_context.accept({"headers": lines})

    assert accept.prefers("application/yaml", "application/json")
    assert accept.prefers("application/json", "text/html")
    line = b"text/html;q=1, application/json;q=0.9, text/plain;q=0"
    weighed = request_context.accept({"headers": [(b"accept", line)]})
    assert weighed.prefers("text/html", "application/json")
    assert not weighed.prefers("application/json", "text/html")
    assert not weighed.prefers("text/plain", "text/css")


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        (r'"extensions"', KEEPERS | WRITERS),
        (r"\bconnexion_(?:context|routing)\b", {f"{SCOPE}connexion_adapter.py"}),
        (r"\bROUTING_CONTEXT\b", KEEPERS),
        (r'"token_info"', {f"{SCOPE}request_context.py"}),
    ],
)
def test_nothing_else_knows_where_in_the_scope_it_lies(name: str, modules: set[str]) -> None:
    files = (file for room in ROOMS for file in (REPOSITORY / room).rglob("*.py"))

    found = {str(file.relative_to(REPOSITORY)) for file in files if re.search(name, file.read_text(encoding="utf-8"))}

    assert found == modules
