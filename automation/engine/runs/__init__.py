"""Runs of executions: the worker and its queue, a run's conductor, its tries, its lease, and what it writes down."""
