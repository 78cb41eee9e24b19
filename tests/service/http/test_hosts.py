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
