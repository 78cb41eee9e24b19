"""The demo: tenants, users, keys, rules and executions to try the service on, and the file that says what they are."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from automation.service import sample_keys, samples
from automation.service.samples import TENANTS
from automation.service.settings import Settings
from automation.storage.administration import Administration
from automation.storage.refusals import Duplicate, Unknown

FILE_NAME = "demo.json"


class DemonstrationRefused(Exception):
    """The database holds something that the demo would spoil."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What there is to try; ``keys`` are in plain text.

    ``executions`` has one of acme's for each status, by the status, and ``globex``: one of the other tenant's.
    """

    path: Path
    keys: Mapping[str, str]
    executions: Mapping[str, UUID]
    rules: Mapping[str, UUID]

    def write(self, base_url: str) -> None:
        """Write demo.json, for its owner's eyes only: readers see the former file or the whole new one."""
        document = {
            "base_url": base_url,
            "tenants": TENANTS,
            "keys": self.keys,
            "executions": self.executions,
            "rules": self.rules,
        }
        _replace(self.path, json.dumps(document, indent=2, default=_plain) + "\n")


def prepare(settings: Settings, owner: str) -> Demonstration:
    """Write the demo's data where it is missing, and return what there is.

    Args:
        settings: With the URL of a database whose migrations are current.
        owner: The URL of the same database as the owner of its tables.

    Raises:
        DemonstrationRefused: A tenant of the operator's own has the name of one of the demo's.
        Unavailable: The database can't be reached.
    """
    administration = Administration(owner)
    path = settings.data_dir / FILE_NAME
    now = datetime.now(UTC)
    executions = samples.executions(now)
    rules = {name: samples.rule(name, now) for name in TENANTS}
    with _alone_in(settings.data_dir):
        for name in TENANTS:
            _provide_tenant(administration, name)
            administration.add_rule(rules[name])
        for execution in executions.values():
            administration.add_execution(execution)
        keys = sample_keys.provide(administration, settings, _former_keys(path))
    return Demonstration(
        path=path,
        keys=keys,
        executions={name: execution.execution_id for name, execution in executions.items()},
        rules={name: rule.rule_id for name, rule in rules.items()},
    )


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


def _former_keys(path: Path) -> Mapping[str, Any]:
    """Return the keys that an earlier run wrote down, nothing where there is no such file or it is not one of ours."""
    try:
        keys = json.loads(path.read_bytes())["keys"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return keys if isinstance(keys, dict) else {}


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
