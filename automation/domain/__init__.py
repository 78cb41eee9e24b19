"""Executions, rules, principals and errors: pure Python, no I/O, no framework."""
