"""A thousand revocations of keys in use while listeners are killed, frozen and cut off: none is let in for too long.

Run it with ``pytest tests/system/revocations_in_full.py --log-cli-level=INFO``; it takes some minutes.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.revocations import DISTURBANCES, Disturbance, Stage, revocations, stage

KEYS = 204

_log = logging.getLogger(__name__)


@pytest.mark.timeout(1800)
async def test_none_of_a_thousand_revoked_keys_is_let_in_for_longer_than_promised(
    data_directories: Callable[[str], Path],
) -> None:
    count = 0
    async with stage(data_directories("revocations in full")) as theatre:
        for disturbance in DISTURBANCES:
            count += await _play(theatre, disturbance)

    assert count >= 1000


async def _play(theatre: Stage, disturbance: Disturbance) -> int:
    played = revocations(theatre, KEYS)
    await played.play(disturbance)
    late = played.late()
    longest = max(late, default=0.0)
    _log.info("%s: %d requests let in after their keys' end, %.3f s at the most", name(disturbance), len(late), longest)
    assert played.too_late() == []
    return len(played.revoked)


def name(disturbance: Disturbance) -> str:
    """Return what a disturbance is called."""
    return str(getattr(disturbance, "__name__", disturbance))
