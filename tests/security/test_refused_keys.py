"""Keys that are refused again and again are slowed down by address, and told in one line."""

import asyncio
import logging

import pytest

from automation.domain.errors import ApiKeyExpired, ApiKeyInvalid, TooManyRefusedKeys
from security.refused_keys import RefusedKeys, network
from tests.security.directories import Clock

MOST = 3


@pytest.fixture
def refused(clock: Clock) -> RefusedKeys:
    return RefusedKeys(MOST, clock=clock, capacity=2, held_seconds=0)


async def refuse(refused: RefusedKeys, client: str | None, times: int) -> int:
    """Refuse so often, and return how often it was too often."""
    too_many = 0
    for _ in range(times):
        try:
            await refused.count(client, ApiKeyInvalid(), "ak_12345678")
        except TooManyRefusedKeys:
            too_many += 1
    return too_many


async def test_beyond_the_limit_an_address_is_told_when_to_come_back(refused: RefusedKeys, clock: Clock) -> None:
    await refuse(refused, "192.0.2.1", MOST)
    clock.advance(20.5)

    with pytest.raises(TooManyRefusedKeys) as raised:
        await refused.count("192.0.2.1", ApiKeyInvalid(), None)

    assert raised.value.headers == {"Retry-After": "40"}


async def test_another_address_is_another_matter(refused: RefusedKeys) -> None:
    await refuse(refused, "192.0.2.1", MOST + 5)

    assert await refuse(refused, "192.0.2.2", MOST) == 0


async def test_the_next_minute_begins_anew(refused: RefusedKeys, clock: Clock) -> None:
    await refuse(refused, "192.0.2.1", MOST + 5)

    clock.advance(60)

    assert await refuse(refused, "192.0.2.1", MOST + 1) == 1


async def test_a_client_that_nobody_knows_the_address_of_is_not_counted(refused: RefusedKeys) -> None:
    assert await refuse(refused, None, MOST + 5) == 0
    assert len(refused) == 0


async def test_what_is_known_is_bounded(refused: RefusedKeys) -> None:
    for number in range(10):
        await refuse(refused, f"192.0.2.{number}", MOST + 1)

    assert len(refused) == 2


async def test_a_burst_is_one_warning_with_its_number(refused: RefusedKeys, caplog: pytest.LogCaptureFixture) -> None:
    await refuse(refused, "192.0.2.1", MOST + 50)
    with pytest.raises(TooManyRefusedKeys):
        await refused.count("192.0.2.1", ApiKeyExpired(), "ak_87654321")

    refused.stop()

    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    told = {name: vars(line)[name] for name in ("client", "count", "codes", "key")}
    assert told == {
        "client": "192.0.2.1",
        "count": 51,
        "codes": {"api_key_invalid": 50, "api_key_expired": 1},
        "key": "ak_87654321",
    }


async def test_few_refusals_are_no_warning(refused: RefusedKeys, caplog: pytest.LogCaptureFixture) -> None:
    await refuse(refused, "192.0.2.1", MOST)

    refused.stop()

    assert caplog.records == []


async def test_answers_are_held_back_but_not_too_many_of_them(clock: Clock) -> None:
    refused = RefusedKeys(1, clock=clock, held_seconds=3600)
    await refuse(refused, "192.0.2.1", 1)
    held = [asyncio.create_task(refuse(refused, "192.0.2.1", 1)) for _ in range(64)]
    await asyncio.sleep(0)

    beyond = await refuse(refused, "192.0.2.1", 1)

    assert beyond == 1
    assert not any(task.done() for task in held)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    refused.stop()


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_its_address_or_its_network(address: str, counted_as: str) -> None:
    assert network(address) == counted_as
