"""The engine: evaluates rules and runs their actions."""
