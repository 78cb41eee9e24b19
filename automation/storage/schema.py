"""Vocabulary of the tables: names of constraints, and the kinds of columns and checks that they share."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Integer, MetaData, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Return a check that a column has one of the values of an enumeration."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


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


def labels() -> Column[object]:
    """Return the column for labels by their keys."""
    return Column("labels", JSONB(), nullable=False, server_default=text("'{}'"))
