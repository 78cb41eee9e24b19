"""Schemathesis as an attacker of the running service: what it is told beforehand, and what came of it."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.contract.document.naming import NO_PERMISSION, PERMISSION
from automation.domain.limits import Limit
from automation.domain.permissions import Role
from tests.shipped_contract.shipped import ENTRIES
from tests.system.processes import REPOSITORY
from tests.system.tenancy import WEBHOOK, Tenant

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SENSE = Path(__file__).with_name("rule_sense.py")
# Not "validation_mismatch": an execution is deleted once, and two times at random are no period.
WARNINGS = [
    "missing_auth",
    "missing_test_data",
    "missing_deserializer",
    "unused_openapi_auth",
    "unsupported_regex",
    "method_not_allowed",
    "unresolvable_reference",
    "dictionary_mismatch",
]
IDENTIFIERS = {
    "cancelAutomationExecution": "pending",
    "deleteAutomationExecution": "ended",
    "deleteAutomationRule": "disused",
    "deleteAutomationSecret": "disused_secrets",
    "executeAutomationRule": "rules",
    "getAutomationExecution": "failed",
    "getAutomationRule": "rules",
    "getAutomationRuleOpenApi": "rules",
    "getAutomationRuleStatistics": "rules",
    "getAutomationRuleVersion": "rules",
    "getAutomationSecret": "secrets",
    "getBulkOperation": "bulk_operations",
    "listAutomationExecutionAttempts": "failed",
    "listAutomationRuleVersions": "rules",
    "listBulkOperationRefusals": "bulk_operations",
    "receiveWebhook": "hooks",
    "retryAutomationExecution": "failed",
    "rotateAutomationHook": "hooked_rules",
    "patchAutomationRule": "rules",
    "updateAutomationRule": "rules",
}
"""Which ids each operation is given: those that it can do something with."""
NAMED_OTHERWISE = {"deleteAutomationSecret": "name", "getAutomationSecret": "name", "receiveWebhook": "token"}
"""What is asked for by something else than an id."""
OF_DELETED_RULES = frozenset({"getAutomationRule", "getAutomationRuleVersion", "listAutomationRuleVersions"})
"""What answers on after a rule's deletion: its executions link to it, and to its versions."""
STILL_READ = "use_after_free = { enabled = false }\n"
OF_UNSAID_RULES = frozenset(
    operation
    for block in tomllib.loads((REPOSITORY / "schemathesis.toml").read_text())["operations"]
    if "400" in block.get("checks", {}).get("positive_data_acceptance", {}).get("expected-statuses", ())
    for operation in block["include-operation-id"]
)
"""Operations that may refuse what the contract's schemas take, as strangers are told, too."""
REFUSED_AT_TIMES = (
    'positive_data_acceptance = { expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "422",'
    ' "429"] }\n'
)
ANY_QUERY = (
    'negative_data_rejection = { expected-statuses = ["2xx", "400", "401", "403", "404", "405", "406", "409", "413",'
    ' "415", "422", "428", "429", "5xx"] }\n'
)
"""A hook takes any query, of which Schemathesis makes one that it takes for wrong by its name or its value."""
SECURED = [
    f"{entry.method.upper()} {entry.path}"
    for entry in ENTRIES
    if entry.node.get(PERMISSION, NO_PERMISSION) != NO_PERMISSION
]
LONGEST_SECONDS = 3600
_ENVIRONMENT = {
    "HYPOTHESIS_STORAGE_DIRECTORY": str(REPOSITORY / ".hypothesis"),  # tables of characters take a second to make
    "NO_COLOR": "1",
    "NO_PROXY": "127.0.0.1",  # or all variables are looked through for proxies at each request
}


@dataclass(frozen=True)
class Outcome:
    """What came of an attack.

    Args:
        exit_code: 0 where nothing was found, not even a warning.
        cases: How many cases were sent and checked, by Schemathesis's own report.
        output: What it wrote.
    """

    exit_code: int
    cases: int
    output: str

    def unrefused(self) -> list[str]:
        """Return the secured operations that Schemathesis did not find to be refused every time."""
        _, _, refused = self.output.partition("operations returned only 401/403 responses")
        return [place for place in SECURED if f"- {place}\n" not in refused]


def of_an_operator(tenant: Tenant, stranger: Tenant, directory: Path, *, supply: int = 40) -> Path:
    """Configure an attack by a tenant's operator, whose peer in another tenant must see none of its objects.

    Args:
        tenant: Gets the objects to attack.
        stranger: Whose operator is the peer.
        directory: Where Schemathesis keeps its files; made if it isn't there.
        supply: How many objects there are of each kind that an attack uses up.
    """
    configuration = write_configuration(directory, dictionaries(tenant, supply=supply))
    become(configuration, {"operator": tenant.key, "stranger": stranger.key}, peers=["operator", "stranger"])
    return configuration


def of_a_visitor(tenant: Tenant, directory: Path) -> Path:
    """Configure an attack by a user of the tenant who may do nothing; that all is refused is no warning then."""
    expected = [name for name in WARNINGS if name != "missing_auth"]
    configuration = write_configuration(directory, dictionaries(tenant), warnings=expected, tenant=tenant)
    become(configuration, {"visitor": tenant.add_key(Role.NONE)})
    return configuration


def dictionaries(tenant: Tenant, *, supply: int = 40) -> Mapping[str, Sequence[str]]:
    """Make what there is to attack, enough of what an attack uses up, and return the ids."""
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_SECRETS: 10_000})
    rules = [tenant.create_rule(actions=[WEBHOOK, WEBHOOK]) for _ in range(3)]
    return {
        "disused": [tenant.create_rule()["rule_id"] for _ in range(supply)],
        "failed": [tenant.add_failed_execution(rules[0]).rpartition("/")[2] for _ in range(supply)],
        "ended": [tenant.add_failed_execution(rules[0]).rpartition("/")[2] for _ in range(supply)],
        "bulk_operations": [str(tenant.add_bulk_operation())],
        "hooked_rules": [tenant.create_hooked_rule()["data"]["rule_id"] for _ in range(3)],
        "hooks": [tenant.create_hook().rpartition("/")[2] for _ in range(3)],
        "pending": [tenant.execute(rules[0])["execution_id"] for _ in range(supply)],
        "rules": [rule["rule_id"] for rule in rules],
        "secrets": [tenant.put_secret(f"KEPT_{number}") for number in range(3)],
        "disused_secrets": [tenant.put_secret(f"DISUSED_{number}") for number in range(supply)],
        "versions": ["*"],
        "statuses": ["active"],
    }


def write_configuration(
    directory: Path,
    ids: Mapping[str, Sequence[str]],
    *,
    warnings: Sequence[str] = WARNINGS,
    tenant: Tenant | None = None,
) -> Path:
    """Write what Schemathesis is to know: which ids exist, what makes sense, and which tenant it always names."""
    named = "" if tenant is None else f'"header.x-tenant-id" = "{tenant.tenant}"'
    operations = "".join(map(_told_of, sorted(IDENTIFIERS.keys() | OF_UNSAID_RULES)))
    defined = "".join(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in ids.items())
    directory.mkdir(exist_ok=True)
    configuration = directory / "schemathesis.toml"
    configuration.write_text(
        f"""
hooks = "{SENSE}"

[generation]
database = "none"
# The service takes no U+0000, which no schema can say of strings at any depth.
allow-x00 = false

{defined}
[parameters]
"header.If-Match" = {{ dictionary = "versions", probability = 0.9 }}
"body.status" = {{ dictionary = "statuses", probability = 0.9 }}
{named}

[checks.positive_data_acceptance]
# These say nothing about the data: a version that is another one by now (412), an Idempotency-Key that named another
# request before (422), a tenant that has too much going on (429).
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429"]

[checks.negative_data_rejection]
# A text of a config may be longer than any body: what is too long is refused as a body that is too large.
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
{operations}
[warnings]
fail-on = {json.dumps(warnings)}
"""
    )
    return configuration


def _told_of(operation: str) -> str:
    name = IDENTIFIERS.get(operation)
    parameter = NAMED_OTHERWISE.get(operation, "id")
    found = f'"path.{parameter}" = {{ dictionary = "{name}", probability = 0.8 }}' if name else ""
    if operation == "deleteAutomationExecutions":  # a filter may find all that there is to attack
        found = '"body.dry_run" = true'
    return f"""
[[operations]]
include-operation-id = "{operation}"
[operations.parameters]
{found}
[operations.checks]
{STILL_READ if operation in OF_DELETED_RULES else ""}{REFUSED_AT_TIMES if operation in OF_UNSAID_RULES else ""}\
{ANY_QUERY if operation == "receiveWebhook" else ""}"""


def become(configuration: Path, users: Mapping[str, str], *, peers: Sequence[str] = ()) -> None:
    """Write who Schemathesis is, by name and key: the first user, whose peers mustn't see each other's objects."""
    listed = [{"name": name, "fixedHeaders": [{"name": "x-api-key", "value": key}]} for name, key in users.items()]
    configuration.with_name("users.json").write_text(json.dumps({"auth": listed}))
    with configuration.open("a") as file:
        file.write(f'\n[auth.wfc]\npath = "users.json"\nuser = "{next(iter(users))}"\n')
        file.write(f"peers = {json.dumps(peers)}\n" if peers else "")


def attack(configuration: Path, url: str, *options: str, examples: int = 25, seed: int = 1) -> Outcome:
    """Run Schemathesis against the service, with every check and in every phase unless the options say otherwise.

    Every check is what it does by itself. ``--checks=all`` would bring back those that the configuration takes from an
    operation.

    Args:
        configuration: As the functions above write it.
        url: Where the service is, or what stands before it.
        options: More of Schemathesis's own options.
        examples: How many cases it tries of one operation at the most, and how many stories of several operations.
        seed: What its chance begins with.
    """
    report = configuration.with_name("report.json")
    done = subprocess.run(
        [
            SCHEMATHESIS,
            "--config-file",
            configuration,
            "run",
            REPOSITORY / "openapi.yaml",
            f"--url={url}",
            f"--max-examples={examples}",
            f"--seed={seed}",
            "--continue-on-failure",
            f"--report-json-path={report}",
            *options,
        ],
        cwd=configuration.parent,
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    counted = json.loads(report.read_text())["test_cases"]
    return Outcome(done.returncode, counted["generated"] - counted["without_checks"], done.stdout + done.stderr)
