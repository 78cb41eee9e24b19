"""A run without a database: its actions answer as the test says, and what it would store is noted."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from automation.domain.executions import LogEntry
from automation.domain.rules import RuleAction, RuleContent, RuleStatus, RuleVersion
from automation.engine.actions import Action, ActionCall, ActionFailed, ActionResult, Actions
from automation.engine.rules.program import Programs
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import Ledger
from automation.engine.runs.run import Run
from automation.engine.runs.vault import Vault
from automation.storage.runs import ActionDone, Claim, Ending, Runs, RunState, TryFailed, Write
from automation.storage.secrets.sealed_secrets import SealedSecrets

Outcome = Exception | ActionResult | None
CREATED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class NotedLedger(Ledger):
    """Notes the writes of a run in their order; it has no store."""

    def __init__(self, claim: Claim, journal: Journal) -> None:
        super().__init__(cast("Runs", None), claim, journal, 15.0)  # whoever asks the store fails
        self.written: list[tuple[Any, ...]] = []
        self.recorded: list[int] = []

    def holds(self) -> bool:
        return True

    async def begin_call(self, *, tries: int, call_key: UUID) -> None:
        self.written.append(("call", tries, str(call_key)))

    async def record(self, write: Write) -> None:
        match write:
            case TryFailed(tries=tries, keep_call_key=keep_call_key):
                self.written.append(("try", tries, keep_call_key))
            case ActionDone():
                assert write is self.kept
                self.recorded.append(write.index)

    def keep(self, done: ActionDone) -> None:
        self.kept = done
        self.written.append(("action", done.index, done.result, done.failed))

    async def mark_rule_error(self, reason: str) -> None:
        self.written.append(("rule error", reason))

    @property
    def calls(self) -> list[tuple[int, str]]:
        """The calls that began: how often the action had been tried, and the key."""
        return [(each[1], each[2]) for each in self.written if each[0] == "call"]


class KnownSecrets(SealedSecrets):
    """Has values that the test gives, which it may change."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = values

    async def read(self, _tenant: UUID, names: Collection[str]) -> Mapping[str, str | None]:
        return {name: value for name, value in self._values.items() if name in names}


@dataclass
class Script:
    """What the actions of a run do, one call after the other, and what they were told.

    ``meanwhile`` is called in each call, before it answers.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    calls: list[ActionCall] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def run(self, config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        self.calls.append(call)
        self.configs.append(dict(config))
        self.meanwhile()
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or ActionResult()

    def actions(self) -> Actions:
        said = Action(name="said", config_schema=config_schema("old", "new", "seen", "size"), run=self.run)
        rest = Action(name="rest", config_schema=config_schema("never"), resume_at=resume_at)
        return Actions.of([said, rest])


def config_schema(*members: str) -> Mapping[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {name: {} for name in members}}


def resume_at(config: Mapping[str, Any], now: datetime) -> datetime:
    if config.get("never"):
        raise ActionFailed("it can't be waited for", definite=True, retryable=False)
    return now + timedelta(seconds=60)


@dataclass
class Rehearsal:
    """A run of some actions from some state, and what became of it."""

    script: Script
    actions: tuple[RuleAction, ...]
    state: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    most_bytes: int = 1_048_576
    most_seconds: int | None = None
    entries: Sequence[LogEntry] = ()

    async def go(self) -> tuple[Ending, NotedLedger, list[str]]:
        """Run it; return how it ended, what it wrote, and what it told, whose ``entries`` are kept."""
        claim = a_claim(a_content(self.actions, self.content), self.state)
        claim = replace(claim, max_actions_seconds=self.most_seconds)
        actions = self.script.actions()
        programs = Programs(actions)
        vault = Vault(KnownSecrets(self.secrets), claim.tenant, programs.computing)
        journal = Journal(redaction=vault.redaction)
        ledger = NotedLedger(claim, journal)
        run = Run(ledger, journal, programs, actions, self.stopping, most_bytes=self.most_bytes, vault=vault)
        ending = await run.go()
        self.entries = journal.waiting().entries
        return ending, ledger, [entry.message for entry in self.entries]


def a_content(actions: tuple[RuleAction, ...], fields: Mapping[str, Any]) -> RuleContent:
    return RuleContent(
        **{"name": "Rule", "status": RuleStatus.ACTIVE, "trigger_config": {}, "actions": actions, **fields}
    )


def a_claim(content: RuleContent, state: Mapping[str, Any]) -> Claim:
    """Return the claim of a run of a rule, which had come so far."""
    rule = RuleVersion(rule_id=uuid4(), tenant=uuid4(), version=1, content=content)
    return Claim(
        tenant=rule.tenant,
        execution_id=uuid4(),
        attempt=1,
        fence=1,
        rule=rule,
        execution=a_state({"actions_total": len(content.actions), **state}),
        weight=10,
        max_run_seconds=None,
        max_actions_seconds=None,
        request_id=None,
        triggered_by=None,
    )


def a_state(fields: Mapping[str, Any]) -> RunState:
    """Return the state of a run that has just begun."""
    values: dict[str, Any] = {"trigger_data": None, "call_key": None, "retry_from": None}
    values |= {"created_at": CREATED_AT, "started_at": CREATED_AT, "deadline_at": CREATED_AT + timedelta(hours=1)}
    counted = (
        "next_action",
        "tries",
        "actions_successful",
        "actions_failed",
        "lost_workers",
        "log_entries",
        "actions_seconds",
    )
    values |= dict.fromkeys(counted, 0)
    values |= dict.fromkeys(("override_conditions", "waited", "taken_over"), False)
    values |= {"results": {}, "actions_total": 1, **fields}
    return RunState(**values)


def say(*, retries: int = 0, go_on: bool = False, **config: Any) -> RuleAction:
    """Return an action that does as the script says."""
    return RuleAction(type="said", config=config, retry_attempts=retries, continue_on_error=go_on)


def definite(message: str = "the receiver said no", **how: Any) -> ActionFailed:
    """Return a failure of which it is known what happened."""
    return ActionFailed(message, **{"definite": True, "retryable": True, **how})


def unknown(message: str = "the connection was lost", **how: Any) -> ActionFailed:
    """Return a failure that leaves open what happened."""
    return ActionFailed(message, **{"definite": False, "retryable": True, **how})
