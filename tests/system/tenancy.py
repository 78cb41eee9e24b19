"""A service without a worker, and tenants of a test's own: what the API promises before anything runs."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from automation.domain.executions import ExecutionStatus
from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from security.key_format import generate
from tests.administering import administering
from tests.databases import Cluster
from tests.plain_http import PLAIN
from tests.secret_keys import SECRET_KEYS
from tests.storage.stored_executions import Execution, add_execution
from tests.system.processes import serving

RULES = "/api/v1/automation/rules"
SECRETS = "/api/v1/automation/secrets"
BULK_OPERATIONS = "/api/v1/automation/bulk_operations"
EVENTS = "/api/v1/automation/events"
EXECUTIONS = "/api/v1/automation/executions"

WEBHOOK: Mapping[str, Any] = {
    "type": "webhook_call",
    "config": {"url": "https://example.com/hook", "json": {"order": "${trigger.order_id}"}},
}


@dataclass(frozen=True)
class Tenant:
    """A tenant, as its operator sees it through the API."""

    client: httpx.Client
    administration: Administration
    tenant: UUID
    user: UUID
    key: str

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        """Ask with the operator's key."""
        return self.client.request(method, path, headers={"x-api-key": self.key, **(headers or {})}, **options)

    def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """POST a JSON body, or none."""
        return self.ask("POST", path, headers, **({} if json is None else {"json": json}))

    def create_rule(self, **members: Any) -> dict[str, Any]:
        """Create a rule, which is active unless said otherwise, and return it."""
        response = self.post(RULES, rule_input(**members))
        assert response.status_code == httpx.codes.CREATED, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    def create_hook(self, **config: Any) -> str:
        """Create a rule that webhooks start, and return the path of its hook."""
        path: str = self.create_hooked_rule(**config)["hook"]["href"]
        return path

    def create_hooked_rule(self, **config: Any) -> dict[str, Any]:
        """Create a rule that webhooks start, and return the answer, which has its hook."""
        response = self.post(RULES, rule_input(trigger_type="webhook", trigger_config=config))
        assert response.status_code == httpx.codes.CREATED, response.text
        created: dict[str, Any] = response.json()
        return created

    def put_secret(self, name: str, value: str = "a value of a secret") -> str:
        """Keep a secret's value, and return its name."""
        response = self.ask("PUT", f"{SECRETS}/{name}", json={"value": value})
        assert response.is_success, response.text
        return name

    def execute(self, rule: Mapping[str, Any], **members: Any) -> dict[str, Any]:
        """Create an execution of a rule, and return it."""
        response = self.post(f"{RULES}/{rule['rule_id']}/execute", members)
        assert response.status_code == httpx.codes.ACCEPTED, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    def add_key(self, role: Role) -> str:
        """Make another user with a role, and return a key of theirs."""
        user = self.administration.create_user(self.tenant, f"{role}-{uuid4()}@example.com", role).user
        return _new_key(self.administration, self.tenant, user)

    def add_failed_execution(self, rule: Mapping[str, Any]) -> str:
        """Store an execution whose second action failed, as a worker would have left it, and return its path."""
        now = datetime.now(UTC)
        execution = Execution(
            execution_id=uuid4(),
            automation_rule_id=UUID(rule["rule_id"]),
            tenant=self.tenant,
            status=ExecutionStatus.FAILED,
            created_at=now,
            trigger_data={"order_id": 1042},
            started_at=now,
            completed_at=now,
            duration_ms=1.5,
            actions_total=2,
            actions_successful=1,
            actions_failed=1,
            error_message="the receiver answered 502",
            failed_action_index=1,
        )
        add_execution(self.administration, execution)
        return f"{EXECUTIONS}/{execution.execution_id}"

    def add_bulk_operation(self) -> UUID:
        """Store a bulk operation that is over, and return its id."""
        with self.administration._tenant_transaction(self.tenant) as (connection, _):
            statement = text(
                "INSERT INTO automation_bulk_operations (tenant, bulk_operation_id, action, filter, status, matched,"
                " matched_exact, created_by, key_prefix, completed_at) VALUES (:tenant, gen_random_uuid(), 'cancel',"
                " '{\"status\": [\"pending\"]}', 'completed', 0, true, :user, 'ak_', now()) RETURNING bulk_operation_id"
            )
            identifier: UUID = connection.execute(statement, {"tenant": self.tenant, "user": self.user}).scalar_one()
        return identifier


def _new_key(administration: Administration, tenant: UUID, user: UUID) -> str:
    made = generate()
    administration.create_key(tenant, user, digest=made.digest, prefix=made.prefix)
    return made.plaintext


def judging_client(base_url: str) -> httpx.Client:
    """Return a client that expects of every answer what all answers have, whatever is asked."""
    return httpx.Client(base_url=base_url, **PLAIN, event_hooks={"response": [_expect_no_sniffing]})


def _expect_no_sniffing(response: httpx.Response) -> None:
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]


@contextlib.contextmanager
def idle_service(cluster: Cluster, directory: Path) -> Iterator[tuple[httpx.Client, Administration]]:
    """Run a service with a fresh database whose executions nobody runs; give also the owner's commands in there."""
    with cluster.database() as urls:
        settings = {
            "AUTOMATION_DATABASE_URL": urls.api,
            "AUTOMATION_DATA_DIR": str(directory),
            "AUTOMATION_SECRET_KEYS": SECRET_KEYS,
        }
        with (
            serving(settings) as process,
            judging_client(process.base_url) as client,
            administering(urls.owner) as administration,
        ):
            yield client, administration


def new_tenant(client: httpx.Client, administration: Administration) -> Tenant:
    """Make a tenant with an operator who has a key."""
    tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
    user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    return Tenant(client, administration, tenant, user, _new_key(administration, tenant, user))


def rule_input(**members: Any) -> dict[str, Any]:
    """Return the body of a rule that is accepted."""
    return {"name": "Notify the warehouse", "status": "active", "actions": [WEBHOOK], **members}
