"""Changes of Python and of SQL: each of one thing, each a program that still can be read."""

import pytest

from tools.mutation import changes, statements


def told(source: str) -> list[str]:
    return [change.told(source) for change in changes.changes(source)]


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("a < b", ["< -> <=", "< -> >="]),
        ("a is not None", ["is not -> is"]),
        ("a not in b", ["not in -> in"]),
        ("x = a and b", ["and -> or"]),
        ("x = not a", ["not a -> (a)"]),
        ("x = True", ["True -> False"]),
        ("x = 3", ["3 -> 4"]),
        ("x = a - b", ["- -> +"]),
        ("f(a)", ["f(a) -> pass"]),
        ("a.b = c", ["a.b = c -> pass"]),
        ("a = c", []),
        ("x = zip(a, b, strict=True)", []),
        ("x = f(a, strict=True)", ["True -> False"]),
        ("if TYPE_CHECKING:\n    a.b = c", []),
        ("del a[b]", ["del a[b] -> pass"]),
        ("raise", ["raise -> pass"]),
        ("def f():\n    return g()", ["g() -> None"]),
        ("def f():\n    return None", []),
        ("if a:\n    b = c", ["a -> not (a)"]),
        ("for a in b:\n    continue", ["continue -> break"]),
        ("async def f():\n    await g()", ["await g() -> pass"]),
    ],
)
def test_each_change_is_of_one_thing(source: str, made: list[str]) -> None:
    assert told(source) == made


@pytest.mark.parametrize(
    "source",
    [
        '"""Says 3 < 4."""',
        "import a",
        "_log.info('told', count=3)",
        "def f(a: int | None) -> int | None: ...",
        "# a < b",
        "@overload\ndef f(a: int, *, b: bool = True) -> int: ...",
    ],
)
def test_what_only_people_or_mypy_read_is_left_alone(source: str) -> None:
    assert told(source) == []


def test_a_number_that_is_said_to_be_tuned_is_left_alone_and_counted() -> None:
    source = 'A = 3\n"""Tuned: any near one would do."""\nB = 4\n"""Is tuned, too."""\nC = 5\n'

    assert told(source) == ["4 -> 5", "5 -> 6"]
    assert [change.told(source) for change in changes.tuned(source)] == ["3 -> 4"]


def test_the_rest_of_a_file_stays_as_it_was_written() -> None:
    source = 'a = "ä€"  # ü\nif b  <  c:  # why\n    pass\n'

    first, *_ = changes.changes(source)

    assert first.applied(source) == source.replace("b  <  c", "b  <=  c")
    assert (first.first, first.last) == (2, 2)


FUNCTION = """-- Not a lock: FOR UPDATE.
CREATE FUNCTION f_v1(p_tenant uuid DEFAULT 1) LANGUAGE plpgsql
AS $$
BEGIN
    -- a comment: a < b
    PERFORM FROM t WHERE t.tenant = p_tenant AND t.id = 7 FOR UPDATE;
    IF a < b OR NOT c THEN
        RETURN;
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION f_v1 TO somebody WHERE a = b;
"""


def test_a_function_loses_its_lock_a_predicate_or_a_bound() -> None:
    made = [change.told(FUNCTION) for change in statements.changes(FUNCTION)]

    assert {"FOR UPDATE -> ", "t.tenant = p_tenant AND -> ", "AND t.id = 7 -> ", "< ->  <= ", "OR -> AND"} <= set(made)
    assert {change.first for change in statements.changes(FUNCTION)} == {6, 7}


def test_the_very_microsecond_of_a_clock_that_goes_on_is_nobodys() -> None:
    body = "AS $$ SELECT FROM t WHERE a <= now() AND b <= clock_timestamp() AND clock_timestamp() > c AND d < 1; $$;"

    made = {change.told(body) for change in statements.changes(body)}

    assert "<= -> <" in {" ".join(each.split()) for each in made}
    assert "> -> >=" not in {" ".join(each.split()) for each in made}
    assert sum(" ".join(change.told(body).split()) == "<= -> <" for change in statements.changes(body)) == 1


def test_the_seed_of_a_locks_hash_is_left_alone() -> None:
    body = "AS $$\nPERFORM pg_advisory_xact_lock(hashtextextended(concat(a, '1'), 0)), f(a, 0);\n$$;\n"

    assert [change.told(body) for change in statements.changes(body) if "+ 1" in change.text] == ["0 -> 0 + 1"]
