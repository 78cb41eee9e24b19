"""The demo's tenants and rules: one rule for each way that a run can go."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID, uuid5

from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus

NAMESPACE = UUID("6f1c2f0e-5d3a-4c55-9d0b-2f6f0f4f7c1a")
"""Makes the demo's identifiers the same on every machine, so that a second run finds what the first one wrote."""

TENANTS: Mapping[str, UUID] = MappingProxyType(
    {name: uuid5(NAMESPACE, f"tenant {name}") for name in ("acme", "globex")}
)

_OWNERS: Mapping[str, str] = MappingProxyType(
    {"acme": "acme", "broken": "acme", "slow": "acme", "waiting": "acme", "globex": "globex"}
)
_MONTH_SECONDS = 30 * 24 * 60 * 60


def rules(receiver: str, now: datetime) -> dict[str, Rule]:
    """Return the demo's rules by name; those named after a tenant are what it does every day.

    Args:
        receiver: The base URL of the HTTP receiver that they call.
        now: When they were created, save a minute.
    """
    contents = {
        "acme": _fulfil_orders(receiver),
        "broken": _call("Tell a receiver that is out of order", f"{receiver}/broken", retry_attempts=1),
        "slow": _call("Tell a receiver that does not answer", f"{receiver}/slow", timeout_seconds=1),
        "waiting": _wait_for_delivery(),
        "globex": _fulfil_orders(receiver),
    }
    return {name: _rule(name, content, now - timedelta(minutes=1)) for name, content in contents.items()}


def user_id(tenant: str, name: str) -> UUID:
    """Return the id of a tenant's user."""
    return uuid5(NAMESPACE, f"user {email(tenant, name)}")


def email(tenant: str, name: str) -> str:
    """Return the e-mail address of a tenant's user."""
    return f"{name}@{tenant}.example"


def _rule(name: str, content: RuleContent, created_at: datetime) -> Rule:
    owner = _OWNERS[name]
    return Rule(
        rule_id=uuid5(NAMESPACE, f"rule {name}"),
        tenant=TENANTS[owner],
        version=1,
        content=content,
        created_by=user_id(owner, "operator"),
        created_at=created_at,
        updated_at=created_at,
    )


def _fulfil_orders(receiver: str) -> RuleContent:
    order = RuleAction(
        type="webhook_call",
        config={
            "method": "POST",
            "url": f"{receiver}/orders",
            "json": {"order": "${trigger.order_id}", "items": "${trigger.items}"},
        },
        retry_attempts=2,
    )
    confirmation = RuleAction(
        type="email_notification",
        config={
            "to": ["${trigger.customer.email}"],
            "subject": "Your order ${trigger.order_id}",
            "text": "Dear ${trigger.customer.name},\n\nyour order ${trigger.order_id} is on its way.\n",
        },
        retry_attempts=1,
    )
    return RuleContent(
        name="Fulfil new orders",
        description="Tells the warehouse of every order above 50, and confirms it to the customer.",
        status=RuleStatus.ACTIVE,
        trigger_config={},
        conditions=({"field": "trigger.total", "operator": "greater_than", "value": 50},),
        actions=(order, confirmation),
        execution_timeout_seconds=600,
    )


def _call(name: str, url: str, *, timeout_seconds: int = 30, retry_attempts: int = 0) -> RuleContent:
    action = RuleAction(
        type="webhook_call",
        config={"method": "POST", "url": url, "json": {"order": "${trigger.order_id}"}},
        timeout_seconds=timeout_seconds,
        retry_attempts=retry_attempts,
    )
    return RuleContent(name=name, status=RuleStatus.ACTIVE, trigger_config={}, actions=(action,))


def _wait_for_delivery() -> RuleContent:
    return RuleContent(
        name="Wait for the delivery",
        description="Waits for a month, one execution at a time: the next ones queue.",
        status=RuleStatus.ACTIVE,
        trigger_config={},
        actions=(RuleAction(type="wait", config={"seconds": _MONTH_SECONDS}),),
        execution_timeout_seconds=_MONTH_SECONDS,
        max_concurrent_executions=1,
    )
