"""The database's functions are those of ``migrations/sql/``, word for word, and each file says who needs it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from automation.storage.migrations import functions
from tests.databases import DatabaseUrls

REPOSITORY = Path(__file__).parents[2]
FILES = sorted(functions.DIRECTORY.glob("*.sql"))
TEXTS = {path.stem: path.read_text() for path in FILES}

# All there is to a function: its arguments, result, language, volatility, security, settings and body; who may execute
# it, and whose it is.
FUNCTIONS = """
SELECT proname::text, pg_get_functiondef(oid), proacl::text, pg_get_userbyid(proowner)::text, prosrc
FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname
"""

# The one statement whose parameters and columns go by position, for speed.
HOT_READ = b"LATERAL get_execution_v1(asked.tenant, asked.execution, %s::integer, asked.known) AS found"

Row = tuple[object, ...]


def held(connection: psycopg.Connection[Row]) -> dict[object, Row]:
    """Return the database's functions by name."""
    rows = connection.execute(FUNCTIONS).fetchall()
    assert len({name for name, *_ in rows}) == len(rows), "a name has one function"
    return {name: tuple(rest) for name, *rest in rows}


def comment_of(name: str) -> str:
    """Return the comment that a file begins with, in one line."""
    lines = TEXTS[name].partition("\n\n")[0].splitlines()
    assert all(line.startswith("--") for line in lines)
    return " ".join(line[2:].strip() for line in lines)


def body_of(name: str) -> str:
    """Return what a function does."""
    return TEXTS[name].partition("AS $$")[2].partition("$$;")[0]


def test_every_function_has_a_file_and_every_file_a_function(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        assert sorted(map(str, held(admin))) == sorted(TEXTS)


def test_the_database_holds_what_the_files_say(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        migrated = held(admin)
        admin.execute(f"DROP FUNCTION {', '.join(TEXTS)} CASCADE".encode())
        become_owner(admin)
        for text in TEXTS.values():
            admin.execute(text.encode())
        filed = held(admin)
        admin.rollback()

    assert migrated == filed
    assert {name: body for name, (*_, body) in migrated.items()} == {name: body_of(name) for name in TEXTS}


def become_owner(admin: psycopg.Connection[Row]) -> None:
    """Go on as the database's owner, in a transaction that lets it give functions away."""
    owner = admin.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    (name,) = owner.fetchone() or ()
    admin.execute("GRANT CREATE ON SCHEMA public TO automation_directory")
    admin.execute(f"GRANT automation_directory TO {name}".encode())
    admin.execute(f"SET LOCAL ROLE {name}".encode())


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_one_function_with_its_grants(name: str) -> None:
    text = TEXTS[name]

    assert re.findall(r"^CREATE.*?(\w+)\(", text, re.MULTILINE) == [name]
    assert re.search(rf"^REVOKE ALL ON FUNCTION {name} FROM PUBLIC;$", text, re.MULTILINE)
    assert re.search(rf"^GRANT EXECUTE ON FUNCTION {name} TO automation_(api|worker|directory)", text, re.MULTILINE)
    assert ("SECURITY DEFINER" in text) == ("OWNER TO automation_directory;" in text)
    assert not re.search(rf"FUNCTION (?!{name}\b)\w+_v\d", text)


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_says_who_calls_its_function(name: str) -> None:
    callers = comment_of(name).partition("Called by ")[2]
    modules = re.findall(r"\((\w+(?:/\w+)*\.py)\)", callers)
    calling = [other.rpartition("_v")[0] for other in TEXTS if f"{name}(" in body_of(other)]

    assert modules or calling, "nobody needs it"
    for module in modules:
        assert f"{name}(" in (REPOSITORY / module).read_text()
    for other in calling:
        assert re.search(rf"\b{other}\b", callers), f"{other} calls it"


def statements() -> Iterator[bytes]:
    """Yield every SQL text of the code: it is what is written as bytes, but in the domain, which has none."""
    domain = REPOSITORY / "automation" / "domain"
    for path in {*(REPOSITORY / "automation").rglob("*.py")} - {*domain.rglob("*.py")}:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
                yield node.value


def test_every_statement_but_the_hot_read_names_its_parameters() -> None:
    positional = [sql for sql in statements() if re.search(rb"%[sbt]|_v\d+\((?!\s*\w+ =>|\w*\))", sql)]

    assert len(positional) == 1
    assert HOT_READ in positional[0]


def test_every_function_that_is_called_by_the_code_has_a_file() -> None:
    called = {name.decode() for sql in statements() for name in re.findall(rb"(\w+_v\d+)\(", sql)}

    assert called
    assert called <= set(TEXTS)
