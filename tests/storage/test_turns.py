"""Turns of tenants: in which order the queue gives out what waits, and what of a tenant is run at each."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from automation.domain.limits import Limit
from automation.storage.accounts.administration import Administration
from automation.storage.due import Due
from automation.storage.executions import Executions
from automation.storage.rules import Rules
from automation.storage.runs import Runs, Turn
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import sample

LEASE = 15.0
MANY = 110


class Worker:
    """Fetches jobs as Procrastinate does, and serves the turns that they are."""

    def __init__(self, urls: DatabaseUrls, runs: Runs) -> None:
        self._urls = urls
        self._runs = runs

    def fetch(self) -> Turn | None:
        """Take the next job from the queue, and return its turn."""
        with psycopg.connect(self._urls.admin) as admin:
            admin.execute("SET search_path = procrastinate")
            row = admin.execute("SELECT id, args FROM procrastinate_fetch_job_v2(NULL, NULL)").fetchone()
            if row is None or row[0] is None:
                return None
            admin.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (row[0],))
        job = row[1]
        return Turn(UUID(job["tenant"]), UUID(job["execution_id"]), job["attempt"], job["rank"], job["since"])

    async def run(self, *, full: tuple[UUID, ...] = (), passes: bool = False) -> UUID | None:
        """Serve the next turn, and return the execution that is run, None where none is."""
        turn = self.fetch()
        claim = None if turn is None else await self._runs.claim(turn, lease=LEASE, full=full, passes=passes)
        return None if claim is None else claim.execution_id

    async def run_all(self) -> list[UUID]:
        """Serve turns until nothing waits, and return what was run in its order."""
        served = []
        while (execution := await self.run()) is not None:
            served.append(execution)
        return served


@pytest.fixture
def worker(database_urls: DatabaseUrls, runs: Runs, runner: Runner) -> Worker:
    runner.take_jobs()
    return Worker(database_urls, runs)


@pytest.fixture
def tenants(
    administration: Administration, database_urls: DatabaseUrls, rules: Rules, executions: Executions, runs: Runs
) -> list[Runner]:
    return [Runner(sample(administration), database_urls, rules, executions, runs) for _ in range(4)]


def order(served: list[UUID], asked: dict[str, list[UUID]]) -> str:
    """Return whose executions were served, a letter each."""
    whose = {execution: name for name, executions in asked.items() for execution in executions}
    return "".join(whose[execution] for execution in served)


async def asked(tenants: list[Runner], backlog: str) -> dict[str, list[UUID]]:
    """Have executions of the tenants A, B, ... created in this order."""
    runners = dict(zip("ABCD", tenants, strict=True))
    rules = {name: await runners[name].rule() for name in sorted(set(backlog))}
    made: dict[str, list[UUID]] = {name: [] for name in rules}
    for name in backlog:
        made[name].append(await runners[name].execute(rules[name]))
    return made


@pytest.mark.parametrize(
    ("backlog", "served"),
    [
        ("AAAAAA", "AAAAAA"),
        ("AAAAB", "ABAAA"),
        ("AAABBB", "ABABAB"),
        ("AAAABC", "ABCAAA"),
        ("AABBCC", "ABCABC"),
        ("AAABBBCD", "ABCDABAB"),
    ],
)
async def test_each_tenants_first_comes_before_anybodys_second(
    worker: Worker, tenants: list[Runner], backlog: str, served: str
) -> None:
    made = await asked(tenants, backlog)

    assert order(await worker.run_all(), made) == served


async def test_of_one_tenant_the_older_comes_first(worker: Worker, tenants: list[Runner]) -> None:
    made = await asked(tenants, "AAABA")

    served = await worker.run_all()

    assert [each for each in served if each in made["A"]] == made["A"]


async def test_who_was_idle_has_saved_nothing_up(worker: Worker, tenants: list[Runner]) -> None:
    made = await asked(tenants, "A" * 6)
    for _ in range(3):
        await worker.run()

    late = await asked(tenants, "BBB")

    assert order(await worker.run_all(), made | late) == "ABABAB"


async def test_who_asks_for_one_after_another_does_not_overtake_those_that_wait(
    worker: Worker, tenants: list[Runner]
) -> None:
    made = await asked(tenants, "AAAA")
    served, others = [], []
    for _ in range(8):
        others += (await asked(tenants, "B"))["B"]
        served.append(await worker.run())
        served.append(await worker.run())

    assert order([each for each in served if each], {**made, "B": others}) == "ABABABAB" + "BBBB"


async def test_a_weight_of_twice_as_much_gets_twice_as_many_turns(
    worker: Worker, tenants: list[Runner], administration: Administration
) -> None:
    administration.set_limits(tenants[1].tenant, {Limit.WEIGHT: 20})
    made = await asked(tenants, "A" * 4 + "B" * 8)

    served = order(await worker.run_all(), made)

    assert [served[:length].count("B") for length in (3, 6, 9, 12)] == [2, 4, 6, 8]


async def test_a_greater_priority_comes_first_among_its_tenants(worker: Worker, tenants: list[Runner]) -> None:
    first, second = await _with_priorities(tenants[0], 0, 0)
    low, high, higher = await _with_priorities(tenants[0], -1, 5, 10)

    assert await worker.run_all() == [higher, high, first, second, low]


async def test_what_was_overtaken_keeps_its_place_by_age(worker: Worker, tenants: list[Runner]) -> None:
    normal = await _with_priorities(tenants[0], *[0] * 5)
    urgent = await _with_priorities(tenants[0], 7, 7)

    assert await worker.run_all() == [*urgent, *normal]


async def test_calling_everything_urgent_brings_no_more_turns(worker: Worker, tenants: list[Runner]) -> None:
    made = {
        "A": await _with_priorities(tenants[0], *[0] * 3),
        "B": await _with_priorities(tenants[1], *[0, 10] * 3),
    }

    assert order(await worker.run_all(), made) == "ABABABBBB"


async def test_an_execution_has_its_rules_priority_unless_it_is_given_one(runner: Runner) -> None:
    rule = await runner.rule(priority=3)

    by_rule = await runner.execute(rule)
    given = await _create(runner, rule.rule_id, -2)

    assert (await runner.document(by_rule))["priority"] == 3
    assert (await runner.document(given))["priority"] == -2


async def test_what_has_started_comes_before_what_has_not(worker: Worker, tenants: list[Runner], due: Due) -> None:
    lost = await tenants[0].execute()
    await worker.run()
    await _with_priorities(tenants[0], 10, 10)
    tenants[0].expire(lost)

    await due.sweep(100)

    assert await worker.run() == lost


async def test_a_full_tenant_passes_its_turn_while_others_wait_and_loses_nothing(
    worker: Worker, tenants: list[Runner]
) -> None:
    made = await asked(tenants, "AAAB")
    full = (tenants[0].tenant,)

    passed = await worker.run(full=full)
    served = await worker.run(full=full)
    alone = await worker.run(full=full)

    assert passed is None
    assert served == made["B"][0]
    assert alone == made["A"][0]
    assert await worker.run_all() == made["A"][1:]


async def test_a_full_tenant_passes_its_turn_in_any_case_where_no_slot_is_left(
    worker: Worker, tenants: list[Runner]
) -> None:
    made = await asked(tenants, "A")

    assert await worker.run(full=(tenants[0].tenant,), passes=True) is None
    assert await worker.run() == made["A"][0]


async def test_others_wait_where_a_job_is_of_none_of_these(worker: Worker, tenants: list[Runner], due: Due) -> None:
    await asked(tenants, "AAABBC")
    a, b, c, _ = [runner.tenant for runner in tenants]

    assert await due.others_wait([a, b])
    assert await due.others_wait([])
    assert not await due.others_wait([c, b, a])


async def test_requests_at_the_same_moment_get_turns_of_their_own(
    worker: Worker, runner: Runner, database_urls: DatabaseUrls
) -> None:
    """Without that, a tenant with many connections would have as many turns at a time."""
    ids = [await runner.execute() for _ in range(8)]
    runner.take_jobs()
    connections = [psycopg.connect(database_urls.api) for _ in ids]

    def defer(at: int) -> None:
        connections[at].execute("SELECT set_config('app.tenant', %s, true)", (str(runner.tenant),))
        connections[at].execute("SELECT defer_execution_v1(%s, %s, 1, 0, 0)", (runner.tenant, ids[at]))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(defer, range(8)))
    for connection in connections:
        connection.commit()
        connection.close()
    with psycopg.connect(database_urls.admin) as admin:
        turns = admin.execute("SELECT priority FROM procrastinate.procrastinate_jobs ORDER BY priority DESC").fetchall()

    assert [turn for (turn,) in turns] == [-100 * place for place in range(8)]


async def _with_priorities(runner: Runner, *priorities: int) -> list[UUID]:
    rule = await runner.rule()
    return [await _create(runner, rule.rule_id, priority) for priority in priorities]


async def _create(runner: Runner, rule_id: UUID, priority: int) -> UUID:
    created = await runner.executions.create(
        runner.tenant,
        runner.sample.user,
        rule_id,
        trigger_data=None,
        override_conditions=False,
        priority=priority,
    )
    return created.execution_id


async def test_what_was_cancelled_while_it_waited_takes_no_turns(worker: Worker, tenants: list[Runner]) -> None:
    runner = tenants[0]
    rule = await runner.rule()
    cancelled = [await runner.execute(rule) for _ in range(MANY)]
    for execution in cancelled:
        await runner.executions.cancel(runner.tenant, execution)
    wanted = await runner.execute(rule)

    turns = 1
    while (served := await worker.run()) is None:
        turns += 1

    assert served == wanted
    assert turns == 1 + MANY // 102  # each removes its own, a hundred and one more
    assert worker.fetch() is None


async def test_what_was_cancelled_leaves_more_urgent_and_older_runs_their_turns(
    worker: Worker, tenants: list[Runner]
) -> None:
    runner = tenants[0]
    rule = await runner.rule()
    made = [await runner.execute(rule) for _ in range(12)]
    for execution in made[::2]:
        await runner.executions.cancel(runner.tenant, execution)
    urgent = await _create(runner, rule.rule_id, 5)

    served = [await worker.run() for _ in range(7)]

    assert served == [urgent, *made[1::2]]
    assert worker.fetch() is None


async def test_the_turn_of_what_was_cancelled_is_the_next_ones_of_its_tenant_and_costs_nobody_a_turn(
    worker: Worker, tenants: list[Runner]
) -> None:
    made = await asked(tenants, "AAABB")
    await tenants[0].executions.cancel(tenants[0].tenant, made["A"][0])

    served = await worker.run_all()

    assert served[0] == made["A"][1]
    assert [each for each in served if each in made["A"]] == made["A"][1:]
    assert [each for each in served if each in made["B"]] == made["B"]


async def test_who_gives_his_turn_to_a_more_urgent_one_has_its_and_costs_nobody_a_turn(
    worker: Worker, tenants: list[Runner]
) -> None:
    rule = await tenants[0].rule()
    plain = await tenants[0].execute(rule)
    other = await tenants[1].execute()
    urgent = await _create(tenants[0], rule.rule_id, 5)

    served = await worker.run_all()

    assert served[0] == urgent
    assert sorted(served) == sorted([plain, other, urgent])


async def test_what_cannot_begin_takes_each_turn_once(worker: Worker, tenants: list[Runner]) -> None:
    runner = tenants[0]
    held = await runner.rule(max_concurrent_executions=1)
    free = await runner.rule()
    waiting = [await runner.execute(held) for _ in range(6)]
    wanted = await runner.execute(free)

    served = [await worker.run() for _ in range(7)]

    assert served == [waiting[0], *[None] * 5, wanted]
    assert worker.fetch() is None
