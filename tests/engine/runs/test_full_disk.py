"""PostgreSQL's disk is full: writes say so, reads go on, and what was acknowledged is done once there is room again."""

import asyncio
import json
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.storage.pool.database import Database
from automation.storage.readiness import Readiness
from tests.databases import ADMIN_URL, Cluster, DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.scenes import Scene, a_call, scene_in
from tests.engine.workers import answering, called

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        os.geteuid() != 0 or ADMIN_URL in os.environ,
        reason="A REAL FULL DISK IS NOT TESTED HERE: only root can mount one, and only beside the run's own server",
    ),
]

MOUNT, UNMOUNT = "/bin/mount", "/bin/umount"
SIZE = "48m"
INCOMPRESSIBLE = random.Random(12).randbytes(20_000).hex()  # noqa: S311 - any letters that nothing can make shorter


class Disk:
    """A small file system that a database is on."""

    def __init__(self, place: Path) -> None:
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(64 * 1024))
            except OSError:
                return

    def free(self) -> None:
        """Give back what was filled."""
        self._ballast.unlink()


@pytest.fixture(scope="module")
def disk_and_urls(cluster: Cluster) -> Iterator[tuple[Disk, DatabaseUrls]]:
    """A database on a small disk of its own; its server's log and all other databases are elsewhere."""
    with cluster.admin() as admin:
        (data,) = admin.execute("SHOW data_directory").fetchone() or ("",)
    place = Path(str(data)).parent / "small disk"
    with (
        mounted(place, owner=Path(str(data)).stat()),
        cluster.tablespace(place / "tables") as tablespace,
        cluster.database(tablespace=tablespace) as urls,
    ):
        yield Disk(place), urls


@contextmanager
def mounted(place: Path, owner: os.stat_result) -> Iterator[None]:
    """Mount a small file system, with a directory in it that the server can use."""
    place.mkdir()
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True)
    try:
        tables = place / "tables"
        tables.mkdir(mode=0o700)
        for path in (place, tables):
            os.chown(path, owner.st_uid, owner.st_gid)
        yield
    finally:
        subprocess.run([UNMOUNT, place], check=True)
        place.rmdir()


@pytest.fixture
async def api(disk_and_urls: tuple[Disk, DatabaseUrls]) -> AsyncIterator[Database]:
    _, urls = disk_and_urls
    database = Database(urls.api, pool_min=1, pool_max=4, pool_timeout=4, query_timeout=4, application_name="full disk")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def a_scene(urls: DatabaseUrls, api: Database) -> AsyncIterator[Scene]:
    async with scene_in(urls) as made:
        yield Scene(made.tenant, made.user, type(made.rules)(api), type(made.executions)(api))


async def test_writes_say_so_reads_go_on_and_nothing_acknowledged_is_lost(
    disk_and_urls: tuple[Disk, DatabaseUrls], api: Database, receiver: Receiver
) -> None:
    disk, urls = disk_and_urls
    readiness = Readiness(api)
    receiver.answer = held = Held(answering(body=json.dumps({"text": INCOMPRESSIBLE}).encode()))
    with capture_logs() as logged:
        async with a_scene(urls, api) as scene, a_near_worker(urls):
            rule = await scene.rule(a_call(receiver.url))
            acknowledged = await scene.execute(rule)
            await called(receiver)

            disk.fill()
            refused = await refusals(scene, rule)
            unready = await refusal_of(readiness)
            running = await scene.read(acknowledged)
            held.go.set()
            await until_both_have_said_it(logged)
            disk.free()
            ended = await scene.ended(acknowledged)
            await readiness.check()
            after = await scene.ended(await scene.execute(rule, {"text": INCOMPRESSIBLE}))

    assert refused == {"The database cannot store anything right now."}
    assert unready == "The database cannot store anything right now."
    assert running["status"] == "running"
    assert (ended["status"], after["status"]) == ("completed", "completed")
    assert ended["execution_context"]["actions"]["0"]["body"]["text"] == INCOMPRESSIBLE
    assert len(receiver.received) == 2
    said = [entry for entry in logged if entry["event"] == "the database fails"]
    assert {(entry["sqlstate"], entry["condition"]) for entry in said} == {("53100", "DiskFull")}
    assert all("free space" in entry["remedy"] for entry in said)


async def refusals(scene: Scene, rule: Any) -> set[str]:
    """Return how large executions are refused; there may be room for the first of them in pages that exist."""
    said = set()
    for _ in range(20):
        try:
            await scene.execute(rule, {"text": INCOMPRESSIBLE})
        except Unavailable as error:
            said.add(error.detail)
    return said


async def refusal_of(readiness: Readiness) -> str:
    with pytest.raises(Unavailable) as caught:
        await readiness.check()
    return caught.value.detail


async def until_both_have_said_it(logged: list[Any]) -> None:
    """Wait until the API and the worker have each logged that the disk is full."""
    deadline = time.monotonic() + 20
    while len([entry for entry in logged if entry["event"] == "the database fails"]) < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
