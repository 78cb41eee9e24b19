"""The demo: tenants, users, keys, rules and executions to try the service on, and the file that says what they are."""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from automation.contract.document.published import Examples
from automation.demo import keys as sample_keys
from automation.demo import rules as samples
from automation.demo import runs as sample_runs
from automation.demo.refusal import DemonstrationRefused
from automation.demo.rules import TENANTS
from automation.domain.rules import Rule
from automation.service.settings import Settings
from automation.storage.accounts.administration import Administration
from automation.storage.accounts.refusals import Duplicate, Unknown

FILE_NAME = "demo.json"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The sample tenants, keys and rules, before anything ran; ``keys`` are in plain text.

    ``former_executions`` are those that an earlier demo wrote down, by name. ``unfinished`` are those of the rule that
    waits, whoever started them: a demo that was stopped during its sample runs wrote nothing down.
    """

    path: Path
    keys: Mapping[str, str]
    rules: Mapping[str, Rule]
    receiver: str
    former_executions: Mapping[str, str]
    unfinished: Sequence[UUID]

    def perform(self, base_url: str) -> Mapping[str, str]:
        """Have the sample runs run by the service at ``base_url`` and its workers; return their executions by name.

        Raises:
            SampleRunFailed: A run doesn't get where it should.
        """
        return sample_runs.provide(base_url, self.keys, self.rules, self.former_executions, self.unfinished)

    def examples(self, executions: Mapping[str, str]) -> Examples:
        """Return ids for the contract that the demo publishes: each operation's is one that it can do something with.

        There is none for a deletion: the demo goes on with the rules and executions that it has.
        """
        rule = str(self.rules["acme"].rule_id)
        return {
            "getAutomationExecution": {"id": executions["completed"]},
            "listAutomationExecutionAttempts": {"id": executions["failed"]},
            "cancelAutomationExecution": {"id": executions["pending"]},
            "retryAutomationExecution": {"id": executions["failed"]},
            "getAutomationRule": {"id": rule},
            "updateAutomationRule": {"id": rule},
            "patchAutomationRule": {"id": rule},
            "executeAutomationRule": {"id": rule},
            "getAutomationRuleOpenApi": {"id": rule},
            "getAutomationRuleStatistics": {"id": rule},
            "listAutomationRuleVersions": {"id": rule},
            "getAutomationRuleVersion": {"id": rule, "version": 1},
        }

    def write(self, base_url: str, executions: Mapping[str, str]) -> None:
        """Write demo.json, for its owner's eyes only: readers see the former file or the whole new one.

        Its ``executions`` are one of acme's for each status, by the status, and ``globex``: one of the other tenant's.
        """
        document = {
            "base_url": base_url,
            "receiver": self.receiver,
            "tenants": TENANTS,
            "keys": self.keys,
            "executions": executions,
            "rules": {name: rule.rule_id for name, rule in self.rules.items()},
        }
        _replace(self.path, json.dumps(document, indent=2, default=_plain) + "\n")


def prepare(settings: Settings, owner: str, receiver: str) -> Demonstration:
    """Write the demo's tenants, users, keys and rules where they are missing, and return what there is.

    Args:
        settings: With the URL of a database whose migrations are current.
        owner: The URL of the same database as the owner of its tables.
        receiver: The base URL of the HTTP receiver that the rules call.

    Raises:
        DemonstrationRefused: A tenant of the operator's own has the name of one of the demo's.
        Unavailable: The database can't be reached.
    """
    administration = Administration(owner)
    path = settings.data_dir / FILE_NAME
    rules = samples.rules(receiver, datetime.now(UTC))
    with _alone_in(settings.data_dir):
        for name in TENANTS:
            _provide_tenant(administration, name)
        for rule in rules.values():
            administration.add_rule(rule)
        former = _former(path)
        keys = sample_keys.provide(administration, settings, former("keys"))
        waiting = rules["waiting"]
        unfinished = administration.unfinished_executions(waiting.tenant, waiting.rule_id)
    return Demonstration(path, keys, rules, receiver, former("executions"), unfinished)


def _provide_tenant(administration: Administration, name: str) -> None:
    try:
        administration.find_tenant(TENANTS[name])
    except Unknown:
        try:
            administration.create_tenant(name, tenant=TENANTS[name])
        except Duplicate as error:
            message = f"The database has a tenant {name} already, which is not the demo's: take another database."
            raise DemonstrationRefused(message) from error


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Hold off other demos of one data directory, so that they agree on the keys."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _former(path: Path) -> Callable[[str], Mapping[str, Any]]:
    """Return what finds a part of what an earlier run wrote down: nothing where there is no such file or part."""
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        document = {}

    def part(name: str) -> Mapping[str, Any]:
        found = document.get(name) if isinstance(document, dict) else None
        return found if isinstance(found, dict) else {}

    return part


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
