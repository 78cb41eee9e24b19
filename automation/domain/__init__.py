"""What an execution, a rule, a principal and an error are: pure Python, no I/O, no framework."""
