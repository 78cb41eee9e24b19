import statistics
import time
from collections.abc import Callable

from automation.engine.expressions.expressions import Expression


def test_an_evaluation_takes_the_same_time_however_deep_it_is_called() -> None:
    expression = Expression.compile("trigger")
    scope = {"trigger": [{"number": number} for number in range(1000)]}

    seconds = [
        min(seconds_at(depth, lambda: expression.evaluate(scope)) for _ in range(3)) for depth in range(140)
    ]  # more than one chunk of frames, so that every place in a chunk was the caller's once

    assert max(seconds) < 4 * statistics.median(seconds)


def seconds_at(depth: int, act: Callable[[], object]) -> float:
    if depth:
        return seconds_at(depth - 1, act)
    began = time.process_time()
    act()
    return time.process_time() - began
