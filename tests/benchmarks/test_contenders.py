"""The engines that are compared can be told apart, and what they share with the service has the service's version."""

import re
from pathlib import Path

from benchmarks.contenders import Peer, contenders
from benchmarks.lineup import PEERS

LOCKS = Path(__file__).parents[2] / "locks"


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (LOCKS / name).read_text(), re.MULTILINE))


def test_no_two_have_a_name_or_a_database_in_common() -> None:
    peers = [each for each in contenders() if isinstance(each, Peer)]

    assert len({each.name for each in contenders()}) == len(contenders())
    assert len({each.database for each in peers}) == len(peers)


def test_every_peer_has_its_program() -> None:
    assert [each.script for each in contenders() if isinstance(each, Peer) and not (PEERS / each.script).exists()] == []


def test_what_peers_and_the_service_have_in_common_has_one_version() -> None:
    service, peers = locked("runtime.txt"), locked("bench.txt")

    assert {"procrastinate", "httpx", "psycopg"} <= service.keys() & peers.keys()
    assert {name: version for name, version in peers.items() if service.get(name, version) != version} == {}
