"""Every loop around an await: one whose awaits may all be done already would hold the event loop for ever.

A new one is found here, and needs its reason: what ends it, or what in each of its rounds lets others run.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("automation", "handlers", "security")

REASONS: Mapping[str, str] = {
    "automation/contract/compiled/body_bytes.py:body_bytes": "a message that is not the last is waited for",
    "automation/demo/receivers.py:_Slow.answer": "rests in each round, for a minute at the most",
    "automation/engine/actions/transport.py:_Connection.__aiter__": "sleeps for 0 s after 16 pieces, and has a bound",
    "automation/engine/actions/transport.py:_Connection._head": "ends at a bound of lines and of bytes",
    "automation/engine/actions/transport.py:_Connection._part": "ends at a bound of bytes, be they there or not",
    "automation/engine/rules/event_desk.py:EventWork.admitted": "each part begins with a sleep of 0",
    "automation/engine/runs/conductor.py:Conductor._conduct": "each round waits for an answer of the database",
    "automation/engine/runs/folding.py:fold": "sleeps in each round, were it for 0 s",
    "automation/engine/runs/heartbeat.py:Heartbeat.listen": "rests for a beat in each round, or is stopped",
    "automation/engine/runs/ledger.py:Ledger.begin_call": "each round waits for an answer of the database",
    "automation/engine/runs/outages.py:sit_out_outages": "rests after each failure, longer each time",
    "automation/engine/runs/queue.py:Queue.receive": "rests in each round",
    "automation/engine/runs/patient_manager.py:PatientManager.give_back": "each round waits for the database",
    "automation/engine/runs/patient_manager.py:PatientManager.listen_for_jobs": "rests in each round",
    "automation/engine/runs/queue.py:_tidy": "rests in each round",
    "automation/engine/runs/retention.py:go_round": "each round waits for an answer of the database",
    "automation/engine/runs/retention.py:keep": "rests in each round",
    "automation/engine/runs/retention.py:keep_answers": "sleeps in each round, were it for 0 s",
    "automation/engine/runs/sweeper.py:sweep": "sleeps in each round, were it for 0 s",
    "automation/engine/runs/ticker.py:tick": "sleeps in each round, were it for 0 s",
    "automation/engine/runs/tries.py:Tries.run": "each round waits for an answer of the database",
    "automation/engine/triggers/waiting.py:Waiting._watch": "sleeps in each round, or a timeout ends it",
    "automation/service/bulk_rounds.py:BulkRounds._go_on": "rests in each round",
    "automation/service/http/connections.py:Connections.watch": "rests in each round",
    "automation/service/http/watched_server.py:WatchedServer._wait": "rests in each round, until its deadline",
    "automation/storage/key_changes.py:KeyChanges._listen": "each round waits for an answer of the database",
    "automation/storage/key_changes.py:KeyChanges._listen_always": "rests in each round, or is stopped",
    "automation/storage/pool/connection_pool.py:ConnectionPool.take": "has a deadline; each round uses a connection up",
    "automation/storage/pool/periodic.py:Periodic._repeat": "rests in each round, or is stopped",
    "security/rate_limits.py:RateLimits.take": "each round waits for a lease that is under way",
}


def test_every_loop_around_an_await_has_a_reason_why_it_lets_others_run() -> None:
    found = {place for room in ROOMS for file in (REPOSITORY / room).rglob("*.py") for place in _places(file)}

    assert found == set(REASONS)


@pytest.mark.parametrize(
    ("code", "loops"),
    [
        ("async def spin():\n while True:\n  await done", ["spin"]),
        ("class A:\n async def spin(self):\n  while x:\n   async with lock: pass", ["A.spin"]),
        ("async def calm():\n while x: pass\n await done", []),
        ("async def calm():\n while x:\n  async def later():\n   await done", []),
    ],
)
def test_loops_around_an_await_are_found(code: str, loops: list[str]) -> None:
    assert list(_loops(ast.parse(code), "")) == loops


def _places(file: Path) -> Iterator[str]:
    for name in _loops(ast.parse(file.read_text()), ""):
        yield f"{file.relative_to(REPOSITORY).as_posix()}:{name}"


def _loops(node: ast.AST, name: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _loops(child, f"{name}.{child.name}".lstrip("."))
        elif isinstance(child, ast.While) and _awaits(child):
            yield name
        else:
            yield from _loops(child, name)


def _awaits(node: ast.AST) -> bool:
    """Return whether something is awaited in a node, but not in a function that is merely defined there."""
    if isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor):
        return True
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    return any(_awaits(child) for child in ast.iter_child_nodes(node) if not isinstance(child, functions))
