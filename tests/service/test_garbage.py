"""Garbage collection once a process serves: what its start made is left out of it."""

import gc

from automation.service import garbage


def test_what_there_is_is_looked_at_no_more_and_what_comes_is_collected() -> None:
    gc.disable()
    try:
        garbage.begin()

        assert gc.isenabled()
        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
        gc.enable()
