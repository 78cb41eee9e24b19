"""An independent judge stands between valid traffic and the service, and finds nothing wrong with any response."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

from automation.storage.accounts.administration import Administration
from tests.outside.calls import TIMEOUT_SECONDS
from tests.outside.conftest import Demo
from tests.outside.prism import faults, judged
from tests.outside.sdk.exercises import exercise_python, exercise_typescript, exercise_typescript_fetch
from tests.outside.sdk.generated import Sdks, provide
from tests.plain_http import PLAIN
from tests.system.attack import attack, of_an_operator
from tests.system.processes import copy_service, plant, serving
from tests.system.tenancy import Tenant, new_tenant

CASES = 500


@pytest.fixture(scope="module")
def sdks(place_of_the_run: Path) -> Sdks:
    """The generated clients, those that their own tests use."""
    return provide(place_of_the_run / "sdks")


def test_what_schemathesis_asks_in_earnest_is_answered_in_contract(
    tenant: Tenant, stranger: Tenant, tmp_path: Path
) -> None:
    configuration = of_an_operator(tenant, stranger, tmp_path)

    with judged(str(tenant.client.base_url)) as recorded:
        outcome = attack(configuration, recorded.base_url, "--mode=positive", examples=30)

    assert outcome.exit_code == 0, outcome.output
    assert outcome.cases >= CASES
    assert len(recorded.exchanges) >= outcome.cases
    assert faults(recorded.exchanges) == []


@pytest.mark.parametrize("exercise", [exercise_python, exercise_typescript, exercise_typescript_fetch])
def test_what_a_generated_client_asks_is_answered_in_contract(
    exercise: Callable[[str, Path, Sdks], None], demo: Demo, sdks: Sdks
) -> None:
    with judged(demo.base_url) as recorded:
        exercise(recorded.base_url, demo.report, sdks)

    assert recorded.exchanges
    assert faults(recorded.exchanges) == []


def test_a_response_out_of_contract_is_found(
    settings: Mapping[str, str], administration: Administration, tmp_path: Path
) -> None:
    """A judge who can't find anything proves nothing: a service that doesn't check itself must not pass."""
    copy = copy_service(tmp_path / "service")
    plant(copy, "handlers/rule_presentation.py", '"actions": actions', '"actions": actions, "status": "unheard of"')
    plant(copy, "automation/contract/serving/response_validation.py", "routed.responses.require(", "print(")

    with (
        serving(settings, copy=copy) as process,
        judged(process.base_url) as recorded,
        httpx.Client(base_url=recorded.base_url, **PLAIN, timeout=TIMEOUT_SECONDS) as client,
    ):
        new_tenant(client, administration).create_rule()

    (fault,) = faults(recorded.exchanges)
    assert fault.startswith("POST /api/v1/automation/rules 201: response/body/data/status: ")
