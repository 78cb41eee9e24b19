"""Statements that change an execution, one round trip each, and the errors that their outcomes stand for."""

from collections.abc import Mapping

from psycopg.rows import DictRow

from automation.domain.errors import (
    ActionsChanged,
    AttemptSuperseded,
    AutomationError,
    ExecutionFinished,
    ExecutionNotFinished,
    ExecutionNotRetriable,
    NotFound,
    PreconditionFailed,
    RetriesExhausted,
    RuleDeleted,
    RuleNotActive,
    TooManyPending,
)
from automation.storage import quotas

# Stores a pending execution together with its job.
CREATE = b"""
SELECT outcome, execution_id, automation_rule_id, status, document, wanted
FROM create_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_rule => %(rule)s, p_user => %(user)s,
    p_trigger_data => %(trigger_data)s::json, p_override_conditions => %(override_conditions)s,
    p_priority => %(priority)s, p_request_id => %(request_id)s, p_triggered_by => %(triggered_by)s::json,
    p_max_pending => %(max_pending)s::bigint, p_executions_per_day => %(executions_per_day)s::bigint,
    p_stored_bytes => %(max_stored_bytes)s::bigint, p_labels => %(labels)s::jsonb, p_made => %(made)s::jsonb,
    p_made_of => %(made_of)s::integer, p_told => %(told)s::jsonb, p_run_at => %(run_at)s,
    p_expires_at => %(expires_at)s)
"""
# Stores one for a delivery, which is known again.
CREATE_DELIVERED = b"""
SELECT outcome, execution_id, automation_rule_id, status, document, wanted
FROM create_delivered_execution_v1(
    p_delivery => %(delivery)s,
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_rule => %(rule)s, p_user => %(user)s,
    p_trigger_data => %(trigger_data)s::json, p_override_conditions => %(override_conditions)s,
    p_priority => %(priority)s, p_request_id => %(request_id)s, p_triggered_by => %(triggered_by)s::json,
    p_max_pending => %(max_pending)s::bigint, p_executions_per_day => %(executions_per_day)s::bigint,
    p_stored_bytes => %(max_stored_bytes)s::bigint, p_labels => %(labels)s::jsonb, p_made => %(made)s::jsonb,
    p_made_of => %(made_of)s::integer, p_told => %(told)s::jsonb)
"""
# Makes an execution that came to no good end pending again, as its next attempt.
RETRY = b"""
SELECT outcome, execution_id, automation_rule_id, status, document, wanted
FROM retry_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_from => %(retry_from)s,
    p_rule_version => %(rule_version)s, p_trigger_data => %(trigger_data)s::json,
    p_attempt => %(attempt)s::integer, p_request_id => %(request_id)s, p_triggered_by => %(triggered_by)s::json,
    p_max_pending => %(max_pending)s::bigint, p_executions_per_day => %(executions_per_day)s::bigint,
    p_stored_bytes => %(max_stored_bytes)s::bigint, p_checked => %(checked)s::integer)
"""
# So many retries will be asked for: near a limit, nobody else asks for any before this transaction ends.
EXPECT = b"""
SELECT reached_limit_v1(
    p_tenant => %(tenant)s, p_more => greatest(2, %(count)s::integer), p_max_pending => %(max_pending)s::bigint,
    p_executions_per_day => %(executions_per_day)s::bigint, p_stored_bytes => NULL)
"""
# Ends an execution that no worker holds, or asks its worker to.
CANCEL = b"""
SELECT outcome, execution_id, automation_rule_id, status, document
FROM cancel_execution_v1(p_tenant => %(tenant)s, p_execution => %(execution)s, p_reason => %(reason)s)
"""
NOT_RETRIED: Mapping[str, type[AutomationError]] = {
    "other_attempt": AttemptSuperseded,
    "not_retriable": ExecutionNotRetriable,
    "retries_exhausted": RetriesExhausted,
    "rule_deleted": RuleDeleted,
    "rule_not_active": RuleNotActive,
    "actions_changed": ActionsChanged,
    "too_many_pending": TooManyPending,
}
# Deletes an execution that has ended.
DELETE = b"""
SELECT outcome, document
FROM delete_execution_v1(p_tenant => %(tenant)s, p_execution => %(execution)s, p_revision => %(revision)s)
"""

NOT_CANCELLED: Mapping[str, type[AutomationError]] = {"finished": ExecutionFinished}
NOT_DELETED: Mapping[str, type[AutomationError]] = {
    "not_finished": ExecutionNotFinished,
    "changed": PreconditionFailed,
}
NOT_CREATED: Mapping[str, type[AutomationError]] = {
    "rule_deleted": RuleDeleted,
    "rule_not_active": RuleNotActive,
    "too_many_pending": TooManyPending,
}
# Whoever delivers to a hook knows nothing of its rule but that it can't be started.
NOT_DELIVERED: Mapping[str, type[AutomationError]] = {**NOT_CREATED, "rule_deleted": RuleNotActive}


def done(row: DictRow | None, missing: type[NotFound], refusals: Mapping[str, type[AutomationError]]) -> DictRow:
    """Return what a change has led to, or raise why it was refused.

    Args:
        row: What the statement returned.
        missing: What no row stands for.
        refusals: What outcomes stand for.

    Raises:
        QuotaExceeded: where a limit of the tenant is reached.
    """
    if row is None:
        raise missing
    if row["outcome"] in refusals:
        raise refusals[row["outcome"]]
    quotas.require_none_reached(row["outcome"])
    return row
