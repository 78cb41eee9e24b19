"""Names of the queue and of its one task, as the database's functions write them into jobs."""

TASK = "run_execution"
"""The name of the task that runs an execution; its arguments are ``tenant``, ``execution_id`` and ``attempt``."""

QUEUE = "executions"
"""The name of the queue that its jobs are in."""
