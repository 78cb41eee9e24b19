"""A fork of a parent has of it what it needs, and for the rest begins as a program that was just started."""

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.process

PARENT = """
import json, os, random, signal, tempfile, threading, time, uuid

from automation.service.http import fork

reading, writing = os.pipe()
other = tempfile.TemporaryFile()

def run(work, kept=()):
    process = fork.start(work, [writing, *kept])
    process.join()
    return process.exitcode

def told(work, kept=()):
    assert run(lambda: os.write(writing, json.dumps(work()).encode()), kept) == 0
    return json.loads(os.read(reading, 65536))

def opened():
    return [number for number in range(3, 100) if os.path.exists(f"/proc/self/fd/{number}")]
"""


def told_by(program: str) -> Any:
    """Return what a parent prints."""
    return json.loads(subprocess.check_output([sys.executable, "-c", PARENT + program], text=True, timeout=60))


def test_it_has_no_descriptor_of_its_parents_but_those_that_it_is_given() -> None:
    told = told_by("""
def inherited():
    return [number in opened() for number in (reading, writing, other.fileno())]

print(json.dumps([told(inherited), told(inherited, [other.fileno()]), inherited()]))
""")

    assert told == [[False, True, False], [False, True, True], [True, True, True]]


def test_no_fork_holds_another_ones_descriptors() -> None:
    told = told_by("""
begun = [fork.start(lambda: time.sleep(60), [writing]) for _ in range(3)]
count = len(told(opened))
for each in begun:
    each.kill()
    each.join()
print(json.dumps([count, len(told(opened))]))
""")

    assert told[0] == told[1]


def test_it_draws_random_numbers_of_its_own() -> None:
    told = told_by("""
random.seed(18)
def draw():
    return random.random(), str(uuid.uuid4())

print(json.dumps([told(draw), told(draw), draw()]))
""")

    numbers, identifiers = zip(*told, strict=True)
    assert len(set(numbers)) == len(set(identifiers)) == 3


def test_it_hears_signals_as_a_program_does_that_was_just_started() -> None:
    told = told_by("""
caught = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)
for number in caught:
    signal.signal(number, lambda *_: None)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.set_wakeup_fd(os.eventfd(0, os.EFD_NONBLOCK), warn_on_full_buffer=False)
def heard():
    handlers = [signal.getsignal(number) for number in (*caught, signal.SIGUSR2)]
    names = [getattr(each, "name", None) or each.__name__ for each in handlers]
    return names, list(signal.pthread_sigmask(signal.SIG_BLOCK, ())), signal.set_wakeup_fd(-1)

found = told(heard)
print(json.dumps([found, len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))]))
""")

    handlers = ["SIG_DFL", "default_int_handler", "SIG_DFL", "SIG_DFL", "SIG_IGN"]
    assert told == [[handlers, [], -1], 0]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", -15), ("SIGINT", 0)])
def test_a_signal_that_comes_while_it_begins_ends_it(name: str, code: int) -> None:
    told = told_by(f"""
signal.signal(signal.{name}, lambda *_: None)
codes = set()
for _ in range(20):
    process = fork.start(lambda: time.sleep(60), [])
    os.kill(process.pid, signal.{name})
    process.join()
    codes.add(process.exitcode)
print(json.dumps(list(codes)))
""")

    assert told == [code]


def test_a_parent_with_a_second_thread_cannot_fork() -> None:
    told = told_by("""
alone = fork.possible()
ended = threading.Event()
thread = threading.Thread(target=ended.wait)
thread.start()
accompanied = fork.possible()
ended.set()
thread.join()
print(json.dumps([alone, accompanied, fork.possible()]))
""")

    assert told == [True, False, True]


def test_how_it_ends_is_its_exit_code() -> None:
    told = told_by("""
import sys
print(json.dumps([run(lambda: None), run(lambda: sys.exit(3)), run(lambda: os.abort())]))
""")

    assert told == [0, 3, -6]
