"""The operations of the tag Service."""

from automation.storage.readiness import Readiness


async def get_liveness() -> dict[str, str]:
    """Say that the process serves requests, whatever the state of its database."""
    return {"status": "alive"}


async def get_readiness(readiness: Readiness) -> dict[str, str]:
    """Say that the process can do its work; ``Unavailable`` is raised where it can't."""
    await readiness.check()
    return {"status": "ready", "database": "reachable", "migrations": "current"}
