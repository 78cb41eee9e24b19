"""Statements are counted by role, and transactions however many statements they have, in what PostgreSQL logs."""

from benchmarks.statement_log import Count, count_in

LOG = """\
bench worker 3/7 LOG:  execute <unnamed>: SELECT 1
bench worker 3/8 LOG:  statement: BEGIN
bench worker 3/8 LOG:  execute _pg3_0: INSERT INTO results
\tVALUES ($1)
bench worker 3/8 LOG:  statement: COMMIT
bench other 4/2 LOG:  statement: SELECT 2
bench worker 5/1 LOG:  statement: BEGIN
bench worker 5/1 LOG:  statement:\x20
\tROLLBACK
bench worker 5/2 ERROR:  canceling statement due to user request
2026-11-29 05:00:00.000 UTC [1] LOG:  received SIGHUP, reloading configuration files
"""


def test_statements_and_commits_of_a_role_are_counted() -> None:
    assert count_in(LOG, "worker") == Count(statements=6, commits=2)
    assert count_in(LOG, "other") == Count(statements=1, commits=1)
