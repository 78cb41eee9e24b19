"""Errors of rules and executions: those that a tenant has not, and states that forbid what is asked for."""

from automation.domain.errors.kinds import Conflict, NotFound


class ExecutionNotFound(NotFound):
    """The tenant has no such execution, whether or not another tenant has."""

    code = "execution_not_found"
    title = "Execution not found"
    default = "This tenant has no execution of that id."
    advice = "Check the id, and that the API key is the right tenant's."


class RuleNotFound(NotFound):
    """The tenant has no such rule, whether or not another tenant has."""

    code = "rule_not_found"
    title = "Rule not found"
    default = "This tenant has no rule of that id."
    advice = "Check the id, and that the API key is the right tenant's."


class RuleVersionNotFound(NotFound):
    """The rule never had a version of this number."""

    code = "rule_version_not_found"
    title = "Rule version not found"
    default = "The rule has no version of this number."
    advice = "Look at the rule's `version`, which is its last; the first one's is 1."


class ExecutionFinished(Conflict):
    """An execution that has ended cannot be cancelled."""

    code = "execution_finished"
    title = "Execution finished"
    default = "The execution has finished already."
    advice = "Look at its `status`: there is nothing left to cancel."


class ExecutionNotRetriable(Conflict):
    """An execution that has not ended, was completed or skipped cannot be retried."""

    code = "execution_not_retriable"
    title = "Execution not retriable"
    default = "Only an execution that failed, timed out or was cancelled can be retried."
    advice = "Look at its `status`. To run the rule once more, execute it."


class ActionsChanged(Conflict):
    """The latest version of a rule cannot go on where the one before stopped: what was done is not in it."""

    code = "actions_changed"
    title = "Actions changed"
    default = "The latest version of the rule has other actions before the one that the retry begins with."
    advice = "Retry with the `original` version, or from the `start`."


class RetriesExhausted(Conflict):
    """An execution can be retried so often and no more: each attempt is kept."""

    code = "retries_exhausted"
    title = "Retries exhausted"
    default = "The execution was retried 100 times, as often as one may be."
    advice = "Execute the rule again: that is a new execution."


class AttemptSuperseded(Conflict):
    """The attempt that is to be retried is not the execution's last one."""

    code = "attempt_superseded"
    title = "Attempt superseded"
    default = "The execution has another attempt by now than the one to be retried."
    advice = "Somebody retried it before, perhaps you: look at its `attempt` and `status`."


class RuleDeleted(Conflict):
    """A deleted rule can be neither changed nor run, not even by a retry."""

    code = "rule_deleted"
    title = "Rule deleted"
    default = "The rule is deleted, so it can be neither changed nor run."
    advice = "Create a new rule."


class RuleInUse(Conflict):
    """A rule with pending or running executions cannot be deleted."""

    code = "rule_in_use"
    title = "Rule in use"
    default = "The rule has executions that are pending or running."
    advice = "Cancel its executions, or let them end, and delete it then."


class RuleNotActive(Conflict):
    """A rule that is a draft, inactive, in error or deleted cannot be run."""

    code = "rule_not_active"
    title = "Rule not active"
    default = "The rule is not active, so it cannot be run."
    advice = "Look at its `status`: give it the status `active` first. A deleted rule cannot be run any more."
