"""The command ``automation``: everything an operator does, each way of going wrong told in one line."""

from automation.commands.program import main

__all__ = ["main"]
