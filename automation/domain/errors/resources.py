"""Errors of rules, executions and secrets: those that a tenant has not, and states that forbid what is asked for."""

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


class ExecutionNotFinished(Conflict):
    """An execution that has not ended cannot be deleted."""

    code = "execution_not_finished"
    title = "Execution not finished"
    default = "Only an execution that has ended can be deleted."
    advice = "Cancel it, or let it end, and delete it then."


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


class RuleWithoutHook(Conflict):
    """A rule has a hook where its trigger is a webhook, and else none."""

    code = "rule_without_hook"
    title = "Rule without a hook"
    default = "The rule has no hook: it is not started by webhooks."
    advice = "Give the rule the `trigger_type` `webhook`: the answer shows its hook."


class RuleInUse(Conflict):
    """A rule with pending or running executions cannot be deleted."""

    code = "rule_in_use"
    title = "Rule in use"
    default = "The rule has executions that are pending or running."
    advice = "Cancel its executions, or let them end, and delete it then."


class RuleNotActive(Conflict):
    """A rule that is a draft, inactive or in error cannot be run."""

    code = "rule_not_active"
    title = "Rule not active"
    default = "The rule is not active, so it cannot be run."
    advice = "Look at its `status`: give it the status `active` first."


class BulkOperationNotFound(NotFound):
    """The tenant has no such bulk operation, whether or not another tenant has, or has it no more."""

    code = "bulk_operation_not_found"
    title = "Bulk operation not found"
    default = "This tenant has no bulk operation of that id."
    advice = "Check the id, and that the API key is the right tenant's. One is kept for a week after its end."


class SecretNotFound(NotFound):
    """The tenant has no such secret, whether or not another tenant has."""

    code = "secret_not_found"
    title = "Secret not found"
    default = "There is no secret of this name."
    advice = "Check the name, whose letters' case counts, and that the API key is the right tenant's."


class SecretInUse(Conflict):
    """A secret that rules name cannot be deleted; ``detail`` names them."""

    code = "secret_in_use"
    title = "Secret in use"
    default = "Rules name the secret."
    advice = (
        "Change or delete the rules that `detail` names first. To have the value gone at once, give the secret another "
        "one."
    )


class SecretsExhausted(Conflict):
    """The tenant has as many secrets as its limit ``max_secrets`` lets it have."""

    code = "secrets_exhausted"
    limit = "max_secrets"
    title = "Secrets exhausted"
    default = "The tenant has as many secrets as its limit max_secrets allows."
    advice = (
        "Delete a secret that no rule names; an operator can raise the tenant's `max_secrets`, and `/api/v1/me` tells "
        "what is used of it."
    )
