"""Vocabulary of the tables: names of constraints, and the kinds of columns and checks that they share."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
    Uuid,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


class Domain(TypeDecorator[Any]):
    """A type of the database's own: a base type with a check, and in statements like the base type.

    Args:
        name: Its name in the database.
        base: What it is like.
        definition: That and the check, in SQL.
    """

    impl = Text
    cache_ok = True

    def __init__(self, name: str, base: TypeEngine[Any], definition: str) -> None:
        self.name = name
        self.impl = base  # type: ignore[assignment]  # an instance, as the base class makes one
        self.definition = definition
        event.listen(metadata, "before_create", DDL(f"CREATE DOMAIN {name} AS {definition}"))  # type: ignore[no-untyped-call]

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """Compare as the base type does."""
        return self.impl_instance.coerce_compared_value(op, value)


@compiles(Domain)
def _name(domain: Domain, _compiler: object, **_: object) -> str:
    return domain.name


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def choice(name: str, values: Iterable[str]) -> Domain:
    """Return a domain of some words."""
    return Domain(name, Text(), f"text CHECK (VALUE IN ({_listed(values)}))")


FINITE_TIME = Domain("finite_time", DateTime(timezone=True), "timestamp with time zone CHECK (isfinite(VALUE))")
NATURAL_NUMBER = Domain("natural_number", Integer(), "integer CHECK (VALUE >= 0)")
POSITIVE_NUMBER = Domain("positive_number", Integer(), "integer CHECK (VALUE >= 1)")
OBJECT_JSON = Domain("object_json", JSON(none_as_null=True), "json CHECK (json_typeof(VALUE) = 'object')")
OBJECT_JSONB = Domain("object_jsonb", JSONB(none_as_null=True), "jsonb CHECK (jsonb_typeof(VALUE) = 'object')")


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Return a check that a column has one of the values of an enumeration."""
    return CheckConstraint(f"{column} IN ({_listed(values)})", name=column)


def check(name: str, condition: str) -> CheckConstraint:
    """Return a check; the table's name and ``_check`` are added to its own."""
    return CheckConstraint(condition, name=name)


def belongs_to(table: str, key: str) -> ForeignKeyConstraint:
    """Return the reference to what a row is of, and goes with, by its key within the tenant."""
    return ForeignKeyConstraint(["tenant", key], [f"{table}.tenant", f"{table}.{key}"], ondelete="CASCADE")


def identifier(name: str) -> Column[object]:
    """Return a column of the primary key."""
    return Column(name, Uuid(), primary_key=True)


def time(name: str, *, nullable: bool = True) -> Column[object]:
    """Return a column for a time."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def created_at() -> Column[object]:
    """Return the column for the time of creation, which PostgreSQL fills."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def count(name: str) -> Column[object]:
    """Return a column that counts from 0."""
    return Column(name, Integer(), nullable=False, server_default=text("0"))


def natural(name: str) -> Column[object]:
    """Return a column that counts from 0, and by its type no further back."""
    return Column(name, NATURAL_NUMBER, nullable=False, server_default=text("0"))


def labels() -> Column[object]:
    """Return the column for labels by their keys."""
    return Column("labels", JSONB(), nullable=False, server_default=text("'{}'"))
