"""Memory of a process that serves: what its start made is not looked at again, and what was large is given back."""

import gc
import platform
import subprocess
import sys

import pytest

from automation.service import process_memory

# Buffers of a size that glibc would take from its heap once the first of them was freed, each with a small one above it
# that stays; prints how many of their megabytes the process still has.
_FLOODS = """
import ctypes
import sys
from pathlib import Path

from automation.service import process_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

if sys.argv[1] == "gives back":
    process_memory.give_back()
bytearray(4 * 2**20)
before = resident()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
small, large = [], []
for _ in range(200):
    large.append(bytearray(2**20))
    small.append(library.malloc(200))
large.clear()
print(resident() - before)
"""


def test_what_there_is_is_looked_at_no_more_and_what_comes_is_collected() -> None:
    gc.disable()
    try:
        process_memory.begin()

        assert gc.isenabled()
        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
        gc.enable()


@pytest.mark.process
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="ONLY GLIBC KEEPS what is freed below what is in use")
def test_what_large_buffers_took_goes_back_when_they_are_freed() -> None:
    kept = {how: _kept(how) for how in ("as it comes", "gives back")}

    assert kept["gives back"] < 20
    assert kept["as it comes"] > 100


def _kept(how: str) -> int:
    """Return how many of 200 megabytes a process has after it has freed them."""
    return int(subprocess.run([sys.executable, "-c", _FLOODS, how], check=True, capture_output=True, text=True).stdout)
