"""Rules that take long to check or to start, and what becomes of many requests that are about them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.system.problems import problem_of

AT_ONCE = 8
A_LIST = "${[" + ", ".join(["trigger.order"] * 8) + "]}"
LARGE = [A_LIST] * 150
"""A config whose expressions take some fifty stretches to compile."""
LARGE_BEFOREHAND: Mapping[str, Any] = {"labels": {f"label-{number}": A_LIST * 2 for number in range(20)}}
"""What of a rule takes some fifteen stretches whenever something triggers it."""


def at_once(send: Callable[[int], httpx.Response], number: int = AT_ONCE) -> list[httpx.Response]:
    """Send eighty requests, so many at a time."""
    with ThreadPoolExecutor(number) as clients:
        return list(clients.map(send, range(10 * AT_ONCE)))


def one_at_a_time(answers: list[httpx.Response]) -> None:
    """Expect that some requests were refused because another one of the tenant took long, and not all."""
    refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
    assert any(answer.is_success for answer in answers), answers[0].text
    problem_of(refused[0], 429, "too_many_checks")
    assert int(refused[0].headers["retry-after"]) >= 1
