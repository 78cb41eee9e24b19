"""Limits on requests as clients meet them: what is left on every answer, 429 beyond it, exact across processes."""

import httpx

from automation.domain.limits import DEFAULTS, Limit
from security.key_format import generate
from tests.plain_http import PLAIN
from tests.system.conftest import Service
from tests.system.problems import problem_of
from tests.system.processes import serving
from tests.system.tenancy import Tenant

ME = "/api/v1/me"


def key_of(tenant: Tenant, requests_per_minute: int) -> str:
    """Create a key with a limit of its own."""
    made = generate()
    tenant.administration.create_key(
        tenant.tenant, tenant.user, digest=made.digest, prefix=made.prefix, requests_per_minute=requests_per_minute
    )
    return made.plaintext


def test_every_answer_to_a_key_tells_what_is_left(tenant: Tenant) -> None:
    tenant.administration.set_limits(tenant.tenant, {Limit.REQUESTS_PER_MINUTE: 6400})
    key = {"x-api-key": key_of(tenant, 60)}

    answers = [tenant.ask("GET", path, key) for path in (ME, "/api/v1/automation/rules?limit=0", ME)]

    assert [answer.status_code for answer in answers] == [200, 400, 200]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"tenant";q=6400;w=60, "key";q=60;w=60'}
    left = [[part.split(";")[1] for part in answer.headers["ratelimit"].split(", ")] for answer in answers]
    assert left == [["r=6399", "r=59"], ["r=6398", "r=58"], ["r=6397", "r=57"]]


def test_what_is_asked_without_a_key_has_no_limit_to_tell(tenant: Tenant) -> None:
    answers = [tenant.client.get(path) for path in ("/healthz", ME)]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert not any("ratelimit" in answer.headers for answer in answers)


def test_beyond_its_tenants_limit_a_key_is_told_to_come_back_and_another_tenant_is_not(
    tenant: Tenant, stranger: Tenant
) -> None:
    tenant.administration.set_limits(tenant.tenant, {Limit.REQUESTS_PER_MINUTE: 2})

    answers = [tenant.ask("GET", ME) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem_of(answers[2], 429, "rate_limited")["limit"] == "requests_per_minute"
    seconds = int(answers[2].headers["retry-after"])
    assert 1 <= seconds <= 60
    assert answers[2].headers["ratelimit"] == f'"tenant";r=0;t={seconds}'
    assert stranger.ask("GET", ME).status_code == 200


def test_keys_that_are_refused_again_and_again_are_slowed_down_and_told_in_one_line(service: Service) -> None:
    good = service.demo["keys"]["reader"]
    unknown = generate()

    with serving({**service.settings, "AUTOMATION_REFUSED_KEYS_PER_MINUTE": "3"}) as process:

        def ask(key: str) -> httpx.Response:
            return httpx.get(process.base_url + ME, headers={"x-api-key": key}, **PLAIN)

        refused = [ask(unknown.plaintext) for _ in range(5)]
        let_in = ask(good)
        process.stop()
        lines = process.log_lines()

    assert [answer.status_code for answer in refused] == [401, 401, 401, 429, 429]
    told = problem_of(refused[4], 429, "too_many_refused_keys")["detail"]
    seconds = int(refused[4].headers["retry-after"])
    assert 1 <= seconds <= 60
    assert told.startswith("More than 3 requests from this address")
    assert told.endswith(f"begins in {seconds} s.")
    assert let_in.status_code == 200
    codes = [line["code"] for line in lines if line["event"] == "request" and "code" in line]
    assert codes == ["api_key_invalid"] * 3
    (warning,) = (line for line in lines if line["event"] == "keys from an address were refused too often")
    assert warning["level"] == "warning"
    assert (warning["client"], warning["count"], warning["key"]) == ("127.0.0.1", 2, unknown.prefix)


def test_a_key_is_told_what_its_tenant_may_use_and_uses_as_its_operator_is(tenant: Tenant) -> None:
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_RULES: 2, Limit.REQUESTS_PER_MINUTE: 64 * 20})
    rule = tenant.create_rule()
    tenant.execute(rule)

    told = tenant.ask("GET", ME).json()["data"]["limits"]

    shown = tenant.administration.limits_in_use(tenant.tenant, DEFAULTS)
    assert [(each["name"], each["value"], each["used"]) for each in told] == [
        (str(each.limit), each.value, each.used) for each in shown
    ]
    numbers = {each["name"]: (each["value"], each["used"]) for each in told}
    assert numbers["max_rules"] == (2, 1)
    assert numbers["executions_per_day"] == (DEFAULTS[Limit.EXECUTIONS_PER_DAY], 1)
    assert numbers["max_pending"] == (DEFAULTS[Limit.MAX_PENDING], 1)
    assert numbers["weight"] == (10, None)
