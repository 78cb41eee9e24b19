"""Mistakes that the Python client's types forbid: each comment is the error that mypy finds in its line."""

from uuid import UUID

from automation_executions_client import Client, connect
from automation_executions_client.api.executions import get_automation_execution
from automation_executions_client.api.rules import delete_automation_rule
from automation_executions_client.models import AutomationRuleInput, ExecutionStatus, Problem, WaitConfig

ID = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
client = connect("https://automation.example", "ak_1")

answer = get_automation_execution.sync(ID, client=client, x_tenant_id=ID)
data = answer.data  # union-attr
get_automation_execution.sync(str(ID), client=client)  # arg-type
get_automation_execution.sync(ID, client=client, x_tenant_id=str(ID))  # arg-type
get_automation_execution.sync(ID, client=Client("https://automation.example"))  # arg-type
assert answer is not None
assert not isinstance(answer, Problem)
retry = answer.data.links.retry  # union-attr
state = answer.data.state  # attr-defined
finished = ExecutionStatus.FINISHED  # attr-defined
title = delete_automation_rule.sync_detailed(ID, client=client).parsed.title  # union-attr
AutomationRuleInput("No actions")  # call-arg
WaitConfig(seconds=[1])  # arg-type
WaitConfig(hours=1)  # call-arg
