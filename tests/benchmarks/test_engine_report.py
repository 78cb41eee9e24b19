"""The report on engines says of each goal what was reached, and whether that is enough."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.contenders import Contender, contenders
from benchmarks.engine_report import Paced, Results, Turn, percentile
from benchmarks.statement_log import Count

CONTENDERS = {each.name: each for each in contenders()}
TIMES = "\N{MULTIPLICATION SIGN}"
TURN = Turn(rate=100, cpu=5, database_cpu=3, latencies=[7, 7, 16])


def results(**rates: float) -> Results:
    found = Results({"processor": "two cores"}, {"rounds": 1, "executions": 50, "concurrency": 20, "rate": 200}, {})
    for name, rate in rates.items():
        found.add(contender(name), replace(TURN, rate=rate))
    return found


def contender(name: str) -> Contender:
    return CONTENDERS[name.replace("_", "-")]


def verdicts(found: Results) -> dict[str, Any]:
    return {each["title"]: (each["reached"], each["verdict"]) for each in found.as_json()["goals"]}


def test_a_goal_is_met_by_the_quotient_within_rounds() -> None:
    found = results(service_1=150, procrastinate_nothing=120, celery=101)

    reached = verdicts(found)

    assert reached["this engine, 1 worker, against Procrastinate's jobs that do nothing"] == (f"1.25 {TIMES}", "met")
    assert reached["this engine, 1 worker, against Celery"] == (f"1.49 {TIMES}", "missed")


def test_latencies_of_an_idle_engine_are_held_to_their_percentiles() -> None:
    reached = verdicts(results(service_1=150))

    assert reached["trigger to first call, idle, p50"] == ("7.0 ms", "met")
    assert reached["trigger to first call, idle, p99"] == ("16.0 ms", "missed")


def test_a_pace_that_is_not_the_asked_one_is_said() -> None:
    found = results(service_1=150)
    found.paced["service-1"] = Paced(rate=128, kept=True, latencies=[20, 90])

    reached = verdicts(found)["trigger to first call while 200 a second run, p99"]

    assert reached == ("90.0 ms", "met, at 128 a second")


def test_a_pace_that_is_not_kept_misses_the_goal_however_short_its_latencies() -> None:
    found = results(service_1=150)
    found.paced["service-1"] = Paced(rate=200, kept=False, latencies=[20, 90])

    assert verdicts(found)["trigger to first call while 200 a second run, p99"] == ("90.0 ms", "missed")


def test_commits_are_those_of_one_job() -> None:
    found = results(service_1=150)
    found.counts["service-1"] = Count(statements=80, commits=76)

    assert verdicts(found)["commits an execution of one action, under load"] == ("1.52", "missed")


def test_what_was_not_measured_has_no_goal_and_an_empty_cell() -> None:
    found = results(procrastinate_nothing=120)

    assert verdicts(found) == {}
    assert "| Procrastinate, jobs that do nothing |    120 |" in found.as_markdown()
    assert "| goal |" not in found.as_markdown()


@pytest.mark.parametrize(("values", "expected"), [([3], 3), (range(1, 101), 99), (range(1, 201), 198)])
def test_a_percentile_is_one_of_the_values(values: range, expected: int) -> None:
    assert percentile(values, 99) == expected
