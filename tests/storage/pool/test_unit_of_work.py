"""A unit of work: it begins once, with the first change, and what its last statement does not commit is undone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from automation.storage.pool.causes import OUTCOME_OPEN
from automation.storage.pool.connections import Connection
from automation.storage.pool.trail import TRAIL, Trail, trailing
from automation.storage.pool.unit_of_work import UNIT, Opening, UnitOfWork, recorded
from tests.databases import DatabaseUrls
from tests.storage.pool.one_connection import WRITE, deed_of, lines, written
from tests.storage.samples import Sample

OPENING = b"SELECT current_setting('app.tenant') AS tenant, %(word)s::text AS word, txid_current_if_assigned() AS id"
LAST = b"SELECT set_config('tests.last', 'written', false)"
RULE, OTHER = {"rule": UUID(int=1)}, {"rule": UUID(int=2)}
SELECT = b"SELECT %(name)s"


class Refused(Exception):
    """The unit must not go on."""


class Told(Exception):
    """What an error of the database means to callers."""


class Lent:
    """A unit of one tenant's, with the connection that it is lent, and what it says of both."""

    def __init__(self, ours: Sample, connection: Connection) -> None:
        self.connection = connection
        self.acquired, self.refuses = 0, False
        self.released = list[Connection]()
        self.opened = list[Mapping[str, Any]]()
        self.unit = UnitOfWork(
            ours.tenant, Opening(OPENING, {"word": "open"}, self._accept), self._acquire, self._release
        )

    def _accept(self, row: Mapping[str, Any]) -> None:
        self.opened.append(row)
        if self.refuses:
            raise Refused

    async def _acquire(self) -> Connection:
        self.acquired += 1
        await asyncio.sleep(0)
        return self.connection

    async def _release(self, connection: Connection) -> None:
        self.released.append(connection)

    async def within(self, do: Callable[[], Awaitable[object]]) -> None:
        """Have something done whose statements join it."""
        async with self.unit.joined(_fail):
            await do()

    async def write(self, name: str) -> None:
        await (await self.unit.connected()).run(WRITE, {"name": name})


def _fail(error: psycopg.Error) -> NoReturn:
    raise Told from error


@pytest.fixture
def lent(ours: Sample, connection: Connection) -> Lent:
    return Lent(ours, connection)


async def test_it_begins_once_as_its_tenant_with_its_opening(ours: Sample, lent: Lent) -> None:
    async def begin() -> None:
        found = await asyncio.gather(*[lent.unit.connected() for _ in range(3)])
        assert found == [lent.connection] * 3
        assert lent.connection.info.transaction_status is TransactionStatus.INTRANS

    await lent.within(begin)

    assert lent.acquired == 1
    assert [(row["tenant"], row["word"]) for row in lent.opened] == [(str(ours.tenant), "open")]
    assert lent.released == [lent.connection]


async def test_before_the_first_change_what_is_read_does_not_belong_to_it(lent: Lent) -> None:
    belongs = [lent.unit.joined_by_statement(change=change) for change in (False, True)]
    await lent.unit.connected()
    belongs += [lent.unit.joined_by_statement(change=change) for change in (False, True)]
    lent.unit.ended = True
    belongs += [lent.unit.joined_by_statement(change=change) for change in (False, True)]

    assert belongs == [False, True, True, True, False, False]


async def test_what_is_not_committed_is_undone_and_nothing_joins_it_any_more(lent: Lent) -> None:
    async def write() -> None:
        assert UNIT.get() is lent.unit
        await lent.write("one")

    await lent.within(write)

    assert await written(lent.connection, "one") == []
    assert lent.connection.info.transaction_status is TransactionStatus.IDLE
    assert (lent.unit.ended, lent.unit.connection, UNIT.get()) == (True, None, None)
    assert lent.released == [lent.connection]


async def test_it_is_committed_with_its_last_statement(lent: Lent) -> None:
    async def commit() -> None:
        await lent.write("one")
        await lent.unit.commit(LAST, {})
        assert lent.unit.ended
        await lent.connection.run(WRITE, {"name": "later"})

    await lent.within(commit)

    assert await written(lent.connection, "one", "last", "later") == ["one", "last", "later"]
    assert lent.released == [lent.connection]


async def test_where_nothing_is_done_nothing_is_taken(lent: Lent) -> None:
    async def nothing() -> None: ...

    await lent.within(nothing)

    assert (lent.acquired, lent.released, lent.unit.ended) == (0, [], True)


async def test_one_that_must_not_go_on_is_undone(lent: Lent) -> None:
    lent.refuses = True

    with pytest.raises(Refused):
        await lent.within(lent.unit.connected)

    assert lent.connection.info.transaction_status is TransactionStatus.IDLE
    assert lent.released == [lent.connection]


async def test_an_error_of_the_database_is_told_as_what_it_means(lent: Lent) -> None:
    async def mistake() -> None:
        await (await lent.unit.connected()).run(b"SELECT 1 / 0")

    with pytest.raises(Told):
        await lent.within(mistake)

    assert UNIT.get() is None
    assert lent.released == [lent.connection]


async def test_a_part_is_taken_back_by_itself_and_is_of_the_same_tenant(
    ours: Sample, theirs: Sample, lent: Lent
) -> None:
    async def part(name: str, tenant: UUID, *, fails: bool) -> None:
        async with lent.unit.part(tenant) as transaction:
            await transaction.execute(WRITE, {"name": name})
            if fails:
                raise KeyError

    async def parts() -> None:
        await part("one", ours.tenant, fails=False)
        with pytest.raises(KeyError):
            await part("two", ours.tenant, fails=True)
        with pytest.raises(ValueError, match="one tenant"):
            await part("three", theirs.tenant, fails=False)
        await lent.unit.commit(LAST, {})

    await lent.within(parts)

    assert await written(lent.connection, "one", "two", "three", "last") == ["one", "last"]


async def test_its_first_part_is_taken_back_to_where_it_began(ours: Sample, lent: Lent) -> None:
    async def first() -> None:
        async with lent.unit.part(ours.tenant) as transaction:
            await transaction.execute(WRITE, {"name": "one"})
            raise KeyError

    async def go_on() -> None:
        with pytest.raises(KeyError):
            await first()
        await lent.unit.commit(LAST, {})

    await lent.within(go_on)

    assert await written(lent.connection, "one", "last") == ["last"]


@pytest.mark.parametrize("recorded_as_well", [False, True])
async def test_parts_are_taken_back_together_and_with_them_their_lines(
    ours: Sample, lent: Lent, database_urls: DatabaseUrls, *, recorded_as_well: bool
) -> None:
    async def notice(parameters: Mapping[str, object]) -> None:
        if (trail := TRAIL.get()) is not None:
            trail.notice(parameters)

    async def several() -> None:
        async with lent.unit.parts():
            await notice(RULE)
            for name in ("two", "three"):
                await lent.write(name)
            raise KeyError

    async def go_on() -> None:
        await lent.write("one")
        with pytest.raises(KeyError):
            await several()
        await notice(OTHER)
        await lent.unit.commit(LAST, {})

    with trailing(deed_of(ours) if recorded_as_well else None):
        await lent.within(go_on)

    assert await written(lent.connection, "one", "two", "three", "last") == ["one", "last"]
    assert lines(ours, database_urls) == [str(OTHER["rule"])] * recorded_as_well


async def test_where_nothing_was_done_its_end_leaves_no_line(
    ours: Sample, lent: Lent, database_urls: DatabaseUrls
) -> None:
    with trailing(deed_of(ours)):
        await lent.within(lambda: lent.unit.commit(LAST, {}))

    assert lines(ours, database_urls) == []
    assert await written(lent.connection, "last") == ["last"]


async def test_where_its_commit_is_not_answered_it_is_open_what_was_changed(lent: Lent) -> None:
    async def lose() -> None:
        await lent.write("one")
        await lent.connection.close()
        await lent.unit.commit(LAST, {})

    with pytest.raises(Told) as told:
        await lent.within(lose)

    assert getattr(told.value.__cause__, "__notes__", []) == [OUTCOME_OPEN]


async def test_a_change_takes_its_lines_along_unless_it_joins_a_unit_that_does(ours: Sample, lent: Lent) -> None:
    query, named = SELECT, {"name": "a", **RULE}

    def along(parameters: Any = named) -> bool:
        statement, values = recorded(query, parameters)
        return (statement, values) != (query, parameters)

    without_trail = along()
    with trailing(deed_of(ours)):
        alone = [along(), along(("a",))]
        trail = TRAIL.get()
        assert isinstance(trail, Trail)
        async with lent.unit.joined(_fail):
            joined = [along(), along(OTHER)]
            noticed = _ids(trail)
            lent.unit.ended = True
            after = along()

    assert (without_trail, alone, joined, after) == (False, [True, False], [False, False], True)
    assert noticed == [str(RULE["rule"]), str(OTHER["rule"])]
    assert _ids(trail) == ["what the request names"]


def _ids(trail: Trail) -> list[str]:
    named: Any = trail.lines()[1]
    return list(named["audit_ids"])
