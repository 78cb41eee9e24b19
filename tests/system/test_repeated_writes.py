"""Every write of the contract honours Idempotency-Key in the same way, whatever it does."""

import json
import time
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from automation.contract.document.outline import Entry
from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant, new_tenant
from tests.system.writes import WRITES, Write, kept, new_key, other, state, write

REPLAYED = "idempotency-replayed"

each_write = pytest.mark.parametrize("entry", WRITES, ids=lambda entry: entry.name)


@pytest.fixture(scope="module")
def tenant(idle: tuple[httpx.Client, Administration]) -> Tenant:
    """The tenant of all tests here: each makes what it is about, and none looks at another's."""
    return new_tenant(*idle)


@pytest.fixture(scope="module")
def stranger(idle: tuple[httpx.Client, Administration]) -> Tenant:
    """Another tenant."""
    return new_tenant(*idle)


@pytest.fixture(scope="module")
def colleague(tenant: Tenant) -> str:
    """The API key of another operator of the tenant."""
    return tenant.add_key(Role.OPERATOR)


@pytest.fixture(scope="module")
def reader(tenant: Tenant) -> str:
    """The API key of somebody who may change nothing."""
    return tenant.add_key(Role.READER)


def expect_same_answer(first: httpx.Response, again: httpx.Response) -> None:
    """Check that an answer is another one once more."""
    own = {"x-request-id", "date", "ratelimit", REPLAYED}
    if b'"hook"' in first.content:  # a token is shown once
        assert again.json() == {"data": first.json()["data"]}
        own |= {"content-length"}
    else:
        assert again.content == first.content
    assert again.status_code == first.status_code
    assert {name: value for name, value in again.headers.items() if name not in own} == {
        name: value for name, value in first.headers.items() if name not in own
    }
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"


@each_write
def test_without_a_key_nothing_is_kept(entry: Entry, tenant: Tenant) -> None:
    request = write(entry, tenant)
    before = kept(tenant)

    response = request.send()

    assert response.is_success
    assert REPLAYED not in response.headers
    assert kept(tenant) == before


@each_write
def test_the_same_request_has_the_same_answer_and_changes_nothing(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    untouched = state(tenant)
    first = request.send(key)
    done = state(tenant)

    again = request.send(key)

    assert first.is_success
    assert done != untouched
    expect_same_answer(first, again)
    assert state(tenant) == done


@each_write
def test_each_answer_has_a_request_id_of_its_own(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()

    answers = [request.send(key, **{"x-request-id": f"asked-{number}"}) for number in range(2)]

    assert [answer.headers["x-request-id"] for answer in answers] == ["asked-0", "asked-1"]


@each_write
def test_it_is_the_same_answer_however_often_it_is_asked_for(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    first = request.send(key)

    for again in [request.send(key) for _ in range(3)]:
        expect_same_answer(first, again)


@each_write
def test_a_key_is_the_same_with_quotes_and_without(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), str(uuid4())
    first = request.send(key)

    expect_same_answer(first, request.send(f'"{key}"'))
    expect_same_answer(first, request.send(f'"{key}";foo=1; b;c="d\\"; e";f=?1;g=:YQ==:'))


@each_write
def test_a_key_may_have_blanks_quotes_and_backslashes_in_it(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), rf'"a \"key\" of {uuid4()} \\ with, all; of them"'
    first = request.send(key)

    expect_same_answer(first, request.send(key))


@each_write
def test_a_key_may_have_255_characters(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), f"{uuid4()}".ljust(255, "~")
    first = request.send(key)

    expect_same_answer(first, request.send(key))


MALFORMED = {
    "none": "",
    "empty": '""',
    "quote": '"',
    "open": '"open',
    "blank": "a b",
    "comma": "a,b",
    "two": '"a" "b"',
    "no parameter": '"a";1',
    "of no string": "a;p=1",
    "open parameter": '"a";p="',
    "escape": '"a\\n"',
    "256": "a" * 256,
    "256 quoted": f'"{"a" * 256}"',
    "umlaut": "kö".encode(),
}


@each_write
@pytest.mark.parametrize("key", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_key_is_refused_and_named(entry: Entry, tenant: Tenant, key: str) -> None:
    request = write(entry, tenant)
    before = state(tenant)

    problem = problem_of(request.send(key), 400, "invalid_parameter")

    assert [error["parameter"] for error in problem["errors"]] == ["Idempotency-Key"]
    assert state(tenant) == before


@each_write
def test_two_keys_are_refused(entry: Entry, tenant: Tenant) -> None:
    request = write(entry, tenant)
    headers = [("x-api-key", tenant.key), *request.headers.items(), *[("idempotency-key", new_key())] * 2]

    response = tenant.client.request(request.method, request.path, headers=headers, content=request.content)

    problem_of(response, 400, "invalid_parameter")


@each_write
def test_a_body_that_is_spelled_otherwise_is_the_same(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    first = request.send(key)

    expect_same_answer(first, spelled_otherwise(request).send(key))


def spelled_otherwise(request: Write) -> Write:
    """Return the same request with other white space, escapes and order in its body, and in its path's case."""
    if request.content is None or request.is_raw:
        return request
    turned = dict(reversed(list(json.loads(request.content).items())))
    spelled = json.dumps(turned, indent=3).replace("a", "\\u0061").replace("f\\u0061lse", "false")
    return replace(request, content=spelled.encode())


@each_write
def test_a_path_that_is_spelled_otherwise_is_the_same(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    first = request.send(key)
    parts = request.path.split("/")
    upper = "/".join(part.upper() if len(part) == len(str(tenant.tenant)) else part for part in parts)

    again = replace(request, path=upper).send(key)

    expect_same_answer(first, again)


@each_write
def test_another_request_with_the_key_is_refused_and_changes_nothing(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    first = request.send(key)
    another = other(entry, request)
    done = state(tenant)

    problem_of(another.send(key), 422, "idempotency_key_reused")

    assert state(tenant) == done
    expect_same_answer(first, request.send(key))


@each_write
def test_another_operation_with_the_key_is_refused(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    another = write(WRITES[WRITES.index(entry) - 1], tenant)
    request.send(key)
    done = state(tenant)

    problem_of(another.send(key), 422, "idempotency_key_reused")

    assert state(tenant) == done


@each_write
def test_another_key_is_another_request(entry: Entry, tenant: Tenant) -> None:
    requests = [write(entry, tenant), write(entry, tenant)]
    before = kept(tenant)

    answers = [request.send(new_key()) for request in requests]

    assert [answer.is_success for answer in answers] == [True, True]
    assert [REPLAYED in answer.headers for answer in answers] == [False, False]
    assert kept(tenant) == before + 2


@each_write
def test_another_user_has_keys_of_their_own(entry: Entry, tenant: Tenant, colleague: str) -> None:
    key = new_key()
    write(entry, tenant).send(key)

    theirs = write(entry, tenant).by(colleague).send(key)

    assert theirs.is_success
    assert REPLAYED not in theirs.headers


@each_write
def test_another_tenant_has_keys_of_its_own(entry: Entry, tenant: Tenant, stranger: Tenant) -> None:
    key = new_key()
    write(entry, tenant).send(key)

    theirs = write(entry, stranger).send(key)

    assert theirs.is_success
    assert REPLAYED not in theirs.headers


@each_write
def test_who_may_not_do_it_learns_nothing_by_a_key(entry: Entry, tenant: Tenant, reader: str) -> None:
    request, key = write(entry, tenant), new_key()
    request.send(key)

    problem_of(request.by(reader).send(key), 403, "permission_denied")


@each_write
def test_a_request_in_flight_is_not_done_beside_it(entry: Entry, tenant: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    before = state(tenant)

    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        connection.execute(
            text("SELECT claim_idempotency_key_v1(:tenant, :user, :key)"),
            {"tenant": tenant.tenant, "user": tenant.user, "key": key.strip('"')},
        )
        beside = request.send(key)
        afterwards = state(tenant)

    problem_of(beside, 409, "idempotency_in_flight")
    assert int(beside.headers["retry-after"]) >= 1
    assert afterwards == before
    assert REPLAYED not in request.send(key).headers


@each_write
def test_what_was_refused_leaves_the_key_free(entry: Entry, tenant: Tenant, stranger: Tenant) -> None:
    request, key = write(entry, tenant), new_key()
    path = write(entry, stranger).path if "{id}" in entry.path else f"{request.path}?nonsense=1"
    before = kept(tenant)

    refused = replace(request, path=path).send(key)

    assert refused.status_code in {400, 404}
    assert kept(tenant) == before
    assert REPLAYED not in request.send(key).headers
    assert kept(tenant) == before + 1


@each_write
def test_a_key_is_forgotten_when_its_time_is_over(entry: Entry, tenant: Tenant) -> None:
    requests, key = [write(entry, tenant), write(entry, tenant)], new_key()
    requests[0].send(key)
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        connection.execute(
            text("UPDATE idempotency_records SET expires_at = now() WHERE idempotency_key = :key"),
            {"key": key.strip('"')},
        )

    late = requests[1].send(key)

    assert late.is_success
    expect_same_answer(late, requests[1].send(key))


@each_write
def test_it_is_kept_for_24_hours(entry: Entry, tenant: Tenant) -> None:
    key = new_key()
    write(entry, tenant).send(key)

    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        hours = connection.execute(
            text(
                "SELECT extract(epoch FROM expires_at - created_at) / 3600 FROM idempotency_records"
                " WHERE idempotency_key = :key"
            ),
            {"key": key.strip('"')},
        ).scalar_one()

    assert hours == 24


def test_what_was_shown_to_who_may_see_secrets_is_not_shown_to_who_no_longer_may(tenant: Tenant) -> None:
    headers = {"Authorization": "Bearer planted-0815"}
    action = {"type": "webhook_call", "config": {"url": "https://receiver.example/", "headers": headers}}
    path = f"{RULES}/{tenant.create_rule(actions=[action])['rule_id']}"
    key = tenant.add_key(Role.OPERATOR)
    user = tenant.client.get("/api/v1/me", headers={"x-api-key": key}).json()["data"]["user"]["id"]
    sent = {"x-api-key": key, "idempotency-key": new_key(), "content-type": "application/merge-patch+json"}
    shown = tenant.client.patch(path, headers=sent, content='{"description": "changed"}')
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        connection.execute(text("UPDATE user_roles SET role = 'editor' WHERE user_id = :user"), {"user": user})
    time.sleep(1)  # the longest that the change may go unheard

    again = tenant.client.patch(path, headers=sent, content='{"description": "changed"}')

    assert "planted-0815" in shown.text
    assert "planted-0815" not in again.text
    problem_of(again, 422, "idempotency_key_reused")
