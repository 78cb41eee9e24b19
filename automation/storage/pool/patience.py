"""Patience of what is done for all tenants in turn, with locks that one of them holds by its own requests."""

from typing import Final

PATIENCE: Final = "100ms"
"""The ``lock_timeout`` of such a statement: what is held for longer is passed over, and others have a turn."""
