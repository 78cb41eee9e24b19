"""The rules and executions that the demo shows: one execution per status, as real runs would have left them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from automation.domain.executions import Execution, ExecutionStatus, LogEntry, LogLevel
from automation.domain.rules import Rule, RuleStatus, TriggerType

NAMESPACE = UUID("6f1c2f0e-5d3a-4c55-9d0b-2f6f0f4f7c1a")
"""Makes the demo's identifiers the same on every machine, so that a second run finds what the first one wrote."""

TENANTS: Mapping[str, UUID] = MappingProxyType(
    {name: uuid5(NAMESPACE, f"tenant {name}") for name in ("acme", "globex")}
)

_RESERVE, _NOTIFY, _CONFIRM = range(3)
_ACTIONS = ("reserve the stock", "notify the warehouse", "confirm to the customer")
_STACK = """\
ActionFailed: the receiver answered 502 Bad Gateway, 3 times
  at action 1, webhook_call POST https://warehouse.example.com/hooks/orders
  at try 3 of 3, after 250 ms and 500 ms
caused by UnexpectedStatus: 502, expected 200 to 299"""


def rule(tenant: str, now: datetime) -> Rule:
    """Return a tenant's rule, some weeks old at the time ``now``."""
    created_at = now - timedelta(days=43, hours=5, minutes=12)
    return Rule(
        rule_id=_rule_id(tenant),
        tenant=TENANTS[tenant],
        name="Fulfil new orders",
        description="Reserves the stock, tells the warehouse and confirms the order to the customer.",
        status=RuleStatus.ACTIVE,
        trigger_type=TriggerType.MANUAL,
        created_at=created_at,
        updated_at=created_at + timedelta(days=12, hours=2, minutes=41),
    )


def executions(now: datetime) -> dict[str, Execution]:
    """Return the executions by name: one per status, all acme's, and one of globex, each as it looks at ``now``."""
    return {
        **{status.value: _execution("acme", status, now) for status in ExecutionStatus},
        "globex": _execution("globex", ExecutionStatus.COMPLETED, now),
    }


def _rule_id(tenant: str) -> UUID:
    return uuid5(NAMESPACE, f"rule {tenant}")


def _execution(tenant: str, status: ExecutionStatus, now: datetime) -> Execution:
    age, story = _STORIES[status]
    created_at = now - age
    order = _order(1042 + list(ExecutionStatus).index(status), created_at)
    return Execution(
        execution_id=uuid5(NAMESPACE, f"execution {tenant} {status}"),
        automation_rule_id=_rule_id(tenant),
        tenant=TENANTS[tenant],
        status=status,
        created_at=created_at,
        trigger_data=order,
        actions_total=len(_ACTIONS),
        **({} if story is None else story(_Run(created_at + timedelta(milliseconds=38.2), order))),
    )


def _order(number: int, placed_at: datetime) -> dict[str, Any]:
    return {
        "event": "order.placed",
        "order_id": number,
        "placed_at": placed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "customer": {"id": "C-20417", "name": "Ada Okafor", "email": "ada.okafor@example.com"},
        "items": [
            {"sku": "LAMP-OAK-40", "quantity": 2, "unit_price": 39.5},
            {"sku": "BULB-E27-WARM", "quantity": 4, "unit_price": 5.125},
        ],
        "total": 99.5,
        "currency": "EUR",
    }


@dataclass(slots=True)
class _Run:
    """A run as it goes: what it logs at which moment, and what its actions leave in the context."""

    started_at: datetime
    order: Mapping[str, Any]
    elapsed: float = 0.0
    logs: list[LogEntry] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)

    def log(self, after: float, level: LogLevel, message: str, action: int | None = None, **metadata: Any) -> None:
        """Log an entry ``after`` so many more milliseconds."""
        self.elapsed = round(self.elapsed + after, 3)
        entry = LogEntry(
            timestamp=self._now(), level=level, message=message, action_index=action, metadata=metadata or None
        )
        self.logs.append(entry)

    def standing(self, **values: Any) -> dict[str, Any]:
        """Return what an execution shows of the run while it goes on."""
        return {
            "started_at": self.started_at,
            "logs": tuple(self.logs),
            "execution_context": self.context,
            **values,
        }

    def ended(self, **values: Any) -> dict[str, Any]:
        """Return what an execution shows of the run once it is over."""
        return self.standing(completed_at=self._now(), duration_ms=self.elapsed, **values)

    def _now(self) -> datetime:
        return self.started_at + timedelta(milliseconds=self.elapsed)


def _start(run: _Run) -> None:
    run.log(0, LogLevel.INFO, "execution started", rule_version=3, attempt=1)
    run.log(2.35, LogLevel.DEBUG, "conditions met", evaluated=["trigger.total greater_than 50"])


def _begin(run: _Run, action: int) -> None:
    run.log(1.7, LogLevel.DEBUG, f"action started: {_ACTIONS[action]}", action)


def _reserve(run: _Run) -> None:
    _begin(run, _RESERVE)
    run.context["reservation"] = {"id": "R-77310", "warehouse": "LEJ-2", "expires_in_seconds": 3600}
    run.log(145.35, LogLevel.INFO, "action completed", _RESERVE, status=201, bytes_received=118)


def _notify(run: _Run) -> None:
    _begin(run, _NOTIFY)
    run.log(58.62, LogLevel.WARN, "the receiver answered 503; trying again", _NOTIFY, attempt=1, delay_ms=250)
    run.context["warehouse"] = {"accepted": True, "pick_list": f"P-{run.order['order_id']}", "shelf": "C17-04"}
    run.log(391.55, LogLevel.INFO, "action completed", _NOTIFY, status=202, attempt=2)


def _run_through(run: _Run) -> dict[str, Any]:
    _start(run)
    _reserve(run)
    _notify(run)
    _begin(run, _CONFIRM)
    run.context["confirmation"] = {"message_id": f"<order-{run.order['order_id']}@mail.example.com>"}
    run.log(142.9, LogLevel.INFO, "action completed", _CONFIRM, recipients=1, template="order-confirmed")
    run.log(0.64, LogLevel.INFO, "execution completed", actions_successful=3)
    return run.ended(actions_successful=3)


def _be_under_way(run: _Run) -> dict[str, Any]:
    _start(run)
    _reserve(run)
    _begin(run, _NOTIFY)
    return run.standing(actions_successful=1)


def _fail(run: _Run) -> dict[str, Any]:
    _start(run)
    _reserve(run)
    _begin(run, _NOTIFY)
    for attempt, delay in ((1, 250), (2, 500)):
        run.log(93.1 + delay, LogLevel.WARN, "the receiver answered 502; trying again", _NOTIFY, attempt=attempt)
    run.log(88.27, LogLevel.ERROR, "action failed: the receiver answered 502", _NOTIFY, status=502, attempt=3)
    run.log(0.58, LogLevel.ERROR, "execution failed", failed_action_index=_NOTIFY)
    return run.ended(
        actions_successful=1,
        actions_failed=1,
        failed_action_index=_NOTIFY,
        error_message="The warehouse's receiver answered 502, 3 times.",
        error_stack=_STACK,
    )


def _time_out(run: _Run) -> dict[str, Any]:
    _start(run)
    _reserve(run)
    _begin(run, _NOTIFY)
    run.log(30_000, LogLevel.ERROR, "action timed out", _NOTIFY, timeout_seconds=30, attempt=1)
    run.log(0.71, LogLevel.ERROR, "execution timed out", failed_action_index=_NOTIFY)
    return run.ended(
        actions_successful=1,
        actions_failed=1,
        failed_action_index=_NOTIFY,
        error_message="The warehouse's receiver did not answer within 30 s.",
        error_stack=_STACK.splitlines()[1] + "\ncaused by ReadTimeout: no response after 30.0 s",
    )


def _be_cancelled(run: _Run) -> dict[str, Any]:
    _start(run)
    _reserve(run)
    _notify(run)
    run.log(12.4, LogLevel.WARN, "execution cancelled before action 2", requested_by="operator@acme.example")
    return run.ended(actions_successful=2)


def _be_skipped(run: _Run) -> dict[str, Any]:
    reason = "execution skipped: the rule's other executions are at its limit"
    run.log(2.94, LogLevel.INFO, reason, running=4, max_concurrent_executions=4)
    return run.ended()


_Story = Callable[[_Run], dict[str, Any]]

_STORIES: Mapping[ExecutionStatus, tuple[timedelta, _Story | None]] = MappingProxyType(
    {
        ExecutionStatus.PENDING: (timedelta(seconds=2), None),
        ExecutionStatus.RUNNING: (timedelta(seconds=1.4), _be_under_way),
        ExecutionStatus.COMPLETED: (timedelta(minutes=17, seconds=21.4), _run_through),
        ExecutionStatus.FAILED: (timedelta(hours=1, minutes=4, seconds=9.1), _fail),
        ExecutionStatus.CANCELLED: (timedelta(hours=3, minutes=52, seconds=40.7), _be_cancelled),
        ExecutionStatus.TIMEOUT: (timedelta(hours=9, minutes=31, seconds=2.2), _time_out),
        ExecutionStatus.SKIPPED: (timedelta(days=1, hours=2, seconds=33.8), _be_skipped),
    }
)
"""How long before ``now`` the execution of each status was created, and what its run was like."""
