"""Measures what tenants notice of each other: order, shares of the slots, and what fairness costs one that is alone.

``make bench-fairness``: one server and one worker on an embedded PostgreSQL of its own; executions are one
``webhook_call`` each to a receiver on loopback, which answers at once, after a while, or never. All of it shares this
machine.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from automation.storage import migrations
from automation.storage.embedded.urls import EmbeddedUrls
from benchmarks.engine import (
    CLIENTS,
    create,
    first_call,
    make_key,
    on_a_fresh_database,
    process,
    rule,
    until_alive,
)
from benchmarks.receiver import Receiver, receiving
from benchmarks.running import free_port

TENANTS = 10
SAMPLES = 20

_SQL = Path(migrations.__file__).parent / "sql"
_BODY = re.compile(r"(?<=AS \$\$).*(?=\$\$;)", re.DOTALL)


def _function(name: str, body: str | None = None) -> str:
    """Return the statement that replaces a function of the database by itself, or by one with another body."""
    written = (_SQL / f"{name}.sql").read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    return written if body is None else _BODY.sub(body.replace("\\", r"\\"), written)


FAIR = _function("enqueue_execution_v1") + _function("serve_turn_v1")
UNFAIR = _function(
    "enqueue_execution_v1",
    """
BEGIN
    INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    VALUES ('executions', 'run_execution', concat(p_execution, ':', p_attempt),
        jsonb_build_object('tenant', p_tenant, 'execution_id', p_execution, 'attempt', p_attempt,
            'rank', p_rank, 'since', p_since))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END
""",
) + _function(
    "serve_turn_v1",
    """
BEGIN
    PERFORM set_config('app.tenant', p_tenant::text, true);
    RETURN QUERY SELECT p_execution, p_attempt, c.* FROM claim_execution_v1(
        p_tenant, p_execution, p_attempt, p_lease, p_max_running, p_max_run_seconds, p_max_actions_seconds) c;
END
""",
)
"""The database's part of fairness, and the same without it: jobs are given out, and claimed, as they have come."""


@dataclass(frozen=True)
class Stage:
    """A running service, and how to make tenants of it."""

    urls: EmbeddedUrls
    base: str
    settings: dict[str, str]
    arguments: argparse.Namespace
    clients: contextlib.AsyncExitStack

    @property
    def database(self) -> str:
        """The database's URL, as its administrator."""
        return self.urls.admin.replace("/postgres?", "/automation?")

    async def tenant(self, name: str) -> httpx.AsyncClient:
        """Return a client of a new tenant."""
        key = make_key(self.urls, name)
        limits = httpx.Limits(max_connections=CLIENTS)
        client = httpx.AsyncClient(
            base_url=self.base, headers={"x-api-key": key}, limits=limits, trust_env=False, timeout=30
        )
        return await self.clients.enter_async_context(client)

    def worker(self) -> contextlib.AbstractContextManager[None]:
        """Run a worker."""
        return process(["worker", "--concurrency", str(self.arguments.concurrency)], self.settings)

    async def empty(self) -> None:
        """Wait until nothing waits or runs."""
        query = "SELECT EXISTS (SELECT FROM automation_executions WHERE status IN ('pending', 'running'))"
        async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as connection:
            while await (await connection.execute(query)).fetchone() != (False,):  # noqa: ASYNC110 - of a database
                await asyncio.sleep(0.05)


async def behind_a_backlog(stage: Stage) -> None:
    """Print how soon a tenant's run starts, while nothing else does and while another's backlog waits."""
    async with receiving() as receiver:
        a, b = await stage.tenant("behind a"), await stage.tenant("behind b")
        of_a, of_b = await rule(a, receiver.port), await rule(b, receiver.port)
        with stage.worker():
            await first_call(b, of_b, receiver)
            idle = [await first_call(b, of_b, receiver) for _ in range(SAMPLES)]
        await create(a, of_a, stage.arguments.backlog)
        with stage.worker():
            while len(receiver.arrivals) < SAMPLES + 30:  # noqa: ASYNC110 - the backlog is being run
                await asyncio.sleep(0.01)
            behind = [await first_call(b, of_b, receiver) for _ in range(SAMPLES)]
            await stage.empty()
    first, then = statistics.median(idle), statistics.median(behind)
    say("one run starts, idle", f"p50 {first:.1f} ms")
    say(f"behind {stage.arguments.backlog} of another's", f"p50 {then:.1f} ms ({then / first:.1f} x)")


async def together(stage: Stage) -> None:
    """Print how far apart tenants with as many runs each finish."""
    async with receiving() as receiver:
        tenants = [await stage.tenant(f"together {n}") for n in range(TENANTS)]
        for client in tenants:
            await create(client, await rule(client, receiver.port), stage.arguments.each)
        with stage.worker():
            await stage.empty()
    query = (
        "SELECT extract(epoch FROM max(e.completed_at) - (SELECT min(started_at) FROM automation_executions e2"
        " JOIN tenants t2 USING (tenant) WHERE t2.name LIKE 'together %'))::float8"
        " FROM automation_executions e JOIN tenants t USING (tenant) WHERE t.name LIKE 'together %' GROUP BY e.tenant"
    )
    with psycopg.connect(stage.database) as connection:
        ends = sorted(float(row[0]) for row in connection.execute(query).fetchall())
    apart = 100 * (ends[-1] - ends[0]) / ends[-1]
    say(
        f"{TENANTS} tenants, {stage.arguments.each} runs each",
        f"end after {ends[0]:.1f} to {ends[-1]:.1f} s ({apart:.1f} %)",
    )


async def beside_hanging(stage: Stage) -> None:
    """Print how many runs a second a tenant has alone, and beside one whose calls all hang."""
    number = stage.arguments.sleeping
    async with receiving(1.0) as slow, receiving(None) as never:
        a, b = await stage.tenant("hanging a"), await stage.tenant("hanging b")
        hanging, sleeping = await rule(a, never.port), await rule(b, slow.port)
        seconds = []
        for others in (0, 4 * stage.arguments.concurrency):
            with stage.worker():
                stuck = await create(a, hanging, others)
                while others and len(never.arrivals) < stage.arguments.concurrency:  # noqa: ASYNC110 - they come
                    await asyncio.sleep(0.01)
                await first_call(b, sleeping, slow)  # the worker is up
                began, before = time.perf_counter(), len(slow.arrivals)
                await create(b, sleeping, number)
                while len(slow.arrivals) < before + number:  # noqa: ASYNC110 - watched as it goes
                    await asyncio.sleep(0.01)
                seconds.append(time.perf_counter() - began)
                for execution in stuck:
                    await a.post(f"/api/v1/automation/executions/{execution}/cancel")
                await stage.empty()
    alone, beside = (number / each for each in seconds)
    say(f"runs of 1 s, alone on {stage.arguments.concurrency} slots", f"{alone:.1f} /s")
    say("beside a tenant whose calls all hang", f"{beside:.1f} /s ({beside / alone:.2f} x)")


async def alone(stage: Stage) -> None:
    """Print how many runs a second one tenant has with turns and shares and without, in turn, each first as often."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    async with receiving() as receiver:
        client = await stage.tenant("alone")
        path = await rule(client, receiver.port)
        try:
            for number in range(stage.arguments.rounds):
                for fair in (True, False) if number % 2 else (False, True):
                    with psycopg.connect(stage.database, autocommit=True) as admin:
                        admin.execute(FAIR if fair else UNFAIR)
                    rates[fair].append(await _rate(stage, client, path, receiver))
        finally:
            with psycopg.connect(stage.database, autocommit=True) as admin:
                admin.execute(FAIR)
    quotients = [one / other for one, other in zip(rates[True], rates[False], strict=True)]
    low, middle, high = statistics.quantiles(quotients, n=4)
    say(f"one tenant alone, {stage.arguments.alone} runs", f"{statistics.median(rates[True]):.1f} /s")
    say("the same, jobs in the order of their coming", f"{statistics.median(rates[False]):.1f} /s")
    say("quotient of each pair", f"{middle:.3f}, half of them {low:.3f} to {high:.3f}")


async def _rate(stage: Stage, client: httpx.AsyncClient, path: str, receiver: Receiver) -> float:
    number: int = stage.arguments.alone
    await create(client, path, number)
    seen = len(receiver.arrivals)
    with stage.worker():
        while len(receiver.arrivals) == seen:  # noqa: ASYNC110 - the worker starts
            await asyncio.sleep(0.01)
        began = time.perf_counter()
        await stage.empty()
    return number / (time.perf_counter() - began)


def say(what: str, figure: str) -> None:
    """Print a line."""
    print(f"{what:45}{figure}", flush=True)


async def measure(urls: EmbeddedUrls, arguments: argparse.Namespace) -> None:
    """Start a server, and print what each scene came to."""
    port = free_port()
    settings = {
        "AUTOMATION_DATABASE_URL": urls.api,
        "AUTOMATION_WORKER_URL": urls.worker,
        "AUTOMATION_EGRESS_ALLOW": "127.0.0.0/8",
        "AUTOMATION_LOG_LEVEL": "warning",
        "AUTOMATION_DRAIN_TIMEOUT": "0",
        "AUTOMATION_TENANT_LIMITS": "max_pending=1000000",
    }
    scenes = {each.__name__: each for each in (behind_a_backlog, together, beside_hanging, alone)}
    async with contextlib.AsyncExitStack() as clients:
        with process(["serve", "--port", str(port)], settings):
            stage = Stage(urls, f"http://127.0.0.1:{port}", settings, arguments, clients)
            await until_alive(await stage.tenant("first"))
            for name in arguments.scenes or scenes:
                await scenes[name](stage)


def main() -> None:
    """Measure on a fresh embedded database, which is deleted afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backlog", type=int, default=10_000, help="runs of one tenant that wait (10000)")
    parser.add_argument("--each", type=int, default=1000, help="runs of each of ten tenants (1000)")
    parser.add_argument("--sleeping", type=int, default=200, help="runs of a second beside those that hang (200)")
    parser.add_argument("--alone", type=int, default=500, help="runs of a tenant that is alone, each time (500)")
    parser.add_argument("--rounds", type=int, default=12, help="how often those run with and without fairness (12)")
    parser.add_argument("--concurrency", type=int, default=20, help="executions at a time (20)")
    parser.add_argument("--scenes", nargs="*", help="behind_a_backlog, together, beside_hanging, alone (all)")
    arguments = parser.parse_args()
    on_a_fresh_database(measure, arguments)


if __name__ == "__main__":
    main()
