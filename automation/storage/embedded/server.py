"""The embedded server as the rest of the service sees it: start, stop, and shared by all who use one data directory."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg

from automation.storage.embedded import cluster as clusters
from automation.storage.embedded import leftovers, roles, sockets
from automation.storage.embedded.cluster import Cluster
from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.holds import Holds
from automation.storage.embedded.leftovers import Outcome
from automation.storage.embedded.postmaster import Postmaster
from automation.storage.embedded.sharing import Sharing
from automation.storage.embedded.urls import EmbeddedUrls, urls_at


class EmbeddedServer:
    """A PostgreSQL of one's own, which runs while at least one process uses it.

    Args:
        data_directory: Where the data is kept; created with mode 0700 when it is missing.
        fast: Trade durability for speed: a crash of the machine may lose everything. For tests only.
        user: As whom the server of a new cluster runs when this process is root; by default a system user of the
            service's own, created when it is missing.
        report: Called with a line for people about each thing that other servers left and that a start removed.
    """

    def __init__(
        self,
        data_directory: Path,
        *,
        fast: bool = False,
        user: str | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._directory = data_directory.absolute()
        self._fast = fast
        self._user = user
        self._report = report
        self._sharing = Sharing(self._directory)
        self._holds = Holds()
        self._cluster: Cluster | None = None
        self._postmaster: Postmaster | None = None
        self._urls: EmbeddedUrls | None = None

    def __enter__(self) -> EmbeddedUrls:
        return self.start()

    def __exit__(self, *_raised: object) -> None:
        self.stop()

    def start(self) -> EmbeddedUrls:
        """Use the server, started first unless it runs; until ``stop`` this process is one of its users.

        Raises:
            EmbeddedServerError: It can't be had, with the reason.
        """
        if self._urls is None:
            try:
                self._urls = self._enter()
                self._prune()
            except BaseException:
                self.stop()  # where a signal came between the server's start and this moment
                raise
        return self._urls

    def stop(self) -> None:
        """Use the server no longer; the last of its users stops it. Without a start, nothing happens.

        Raises:
            EmbeddedServerError: It doesn't stop.
        """
        if self._urls is not None:
            self._urls = None
            with self._sharing.transition():
                self._leave()

    def is_there(self) -> bool:
        """Say whether there is a cluster already; a start makes one."""
        return clusters.is_present(self._directory)

    def files(self) -> list[Path]:
        """Return what to remove, while nobody uses the server, for an empty one."""
        return clusters.places(self._directory)

    def postmaster_pid(self) -> int | None:
        """Return the process id of the running server, None when it doesn't run."""
        return None if self._postmaster is None else self._postmaster.identifier()

    def halt(self, *, held: bool = False) -> None:
        """Stop the server under its users, this one included, as an outage does; for tests.

        Args:
            held: Keep everybody from starting it before ``resume``: those that supervise it would at once.

        Raises:
            EmbeddedServerError: It doesn't stop, or this process doesn't use it.
        """
        postmaster = self._used()
        if held:
            self._sharing.close()
            postmaster.stop()
            return
        with self._sharing.transition():
            postmaster.stop()

    def resume(self) -> None:
        """Start the server again after it was killed, or after ``halt``; its URLs are the same.

        Raises:
            EmbeddedServerError: It doesn't start, or this process doesn't use it.
        """
        postmaster = self._used()
        try:
            with self._sharing.transition():
                postmaster.connect().close()
        except (OSError, psycopg.Error) as error:
            raise EmbeddedServerError(f"PostgreSQL can't be had in {self._directory}: {error}.") from error

    def discard(self) -> None:
        """Stop the server and delete its cluster, started here before or not; for tests, whose data nobody will miss.

        Raises:
            EmbeddedServerError: Other processes use it.
        """
        self._urls = None
        if not self._directory.is_dir():
            return
        with self._sharing.transition():
            self._sharing.join()
            if self._postmaster is None and clusters.is_present(self._directory):
                # A cluster that can't be served isn't running either, and is deleted all the same.
                with suppress(EmbeddedServerError):
                    self._locate()
            if not self._leave():
                raise EmbeddedServerError(f"The cluster of {self._directory} is in use by another process.")
            clusters.remove(self._directory)

    def _enter(self) -> EmbeddedUrls:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._sharing.transition():
                urls = self._urls = self._start()
        except (OSError, psycopg.Error) as error:
            raise EmbeddedServerError(f"PostgreSQL can't be had in {self._directory}: {error}.") from error
        return urls

    def _start(self) -> EmbeddedUrls:
        self._sharing.join()
        try:
            postmaster = self._locate()
            with postmaster.connect() as connection:
                roles.provide(connection)
        except BaseException:
            self._leave()
            raise
        return urls_at(postmaster.directory)

    def _prune(self) -> None:
        """Remove what killed processes left, once for each server; this one is in use already, and is none of it."""
        if self._postmaster is None or self._cluster is None or not self._postmaster.launched:
            return
        owners = {os.geteuid(), self._cluster.programs.account.identifier}
        for leftover in leftovers.prune(owners=owners):
            if self._report is not None and leftover.outcome in {Outcome.REMOVED, Outcome.FAILED}:
                self._report(str(leftover))

    def _locate(self) -> Postmaster:
        self._cluster = clusters.provide(self._directory, self._holds, user=self._user, durable=not self._fast)
        directory = sockets.provide(self._cluster, self._holds)
        self._postmaster = Postmaster(self._cluster, directory, fast=self._fast)
        return self._postmaster

    def _leave(self) -> bool:
        """Stop the server when nobody else uses it, and say whether nobody does."""
        last = self._sharing.leave()
        postmaster, self._postmaster = self._postmaster, None
        try:
            if last and postmaster is not None and self._cluster is not None:
                postmaster.stop()
                sockets.remove(self._cluster)
        finally:
            self._holds.release()
        return last

    def _used(self) -> Postmaster:
        if self._postmaster is None:
            raise EmbeddedServerError(f"The server of {self._directory} isn't in use here: start it first.")
        return self._postmaster
