import pickle

import pytest

from automation.domain.errors import MalformedRequest
from automation.service.http.hosts import Hosts


@pytest.mark.parametrize(
    ("allowed", "host", "admitted"),
    [
        ((), b"anything.example", True),
        (("api.example.com",), b"api.example.com", True),
        (("api.example.com",), b"API.example.com:8443", True),
        (("api.example.com",), b"example.com", False),
        (("api.example.com",), b"evil-api.example.com", False),
        (("api.example.com",), b"", False),
        ((".example.com",), b"api.example.com", True),
        ((".example.com",), b"example.com", False),
        ((".example.com", "[::1]"), b"[::1]:8080", True),
    ],
)
def test_an_operator_says_what_the_service_is_called(allowed: tuple[str, ...], host: bytes, admitted: bool) -> None:
    hosts = Hosts(allowed)

    if admitted:
        hosts.require([(b"host", host)], "1.1")
    else:
        with pytest.raises(MalformedRequest, match="not valid here"):
            hosts.require([(b"host", host)], "1.1")


def test_other_processes_can_be_told_what_the_service_is_called() -> None:
    hosts = Hosts(("api.example.com",))
    hosts.require([(b"host", b"api.example.com")], "1.1")

    told = pickle.loads(pickle.dumps(hosts))  # noqa: S301 - its own

    told.require([(b"host", b"api.example.com")], "1.1")
    with pytest.raises(MalformedRequest):
        told.require([(b"host", b"example.com")], "1.1")


@pytest.mark.parametrize(
    ("hosts", "version", "message"),
    [
        ([b"a", b"a"], "1.1", "more than one"),
        ([b"a", b"a"], "1.0", "more than one"),
        ([], "1.1", "no Host"),
        ([b"a" * 301], "1.1", "not valid here"),
        ([b"a b"], "1.1", "not valid here"),
    ],
)
def test_a_request_names_one_host_as_it_must(hosts: list[bytes], version: str, message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        Hosts().require([(b"host", host) for host in hosts], version)


def test_one_of_the_former_version_needs_none_and_a_name_has_its_longest() -> None:
    Hosts().require([(b"accept", b"a")], "1.0")
    Hosts().require([(b"host", b"a" * 300), (b"accept", b"a")], "1.1")
