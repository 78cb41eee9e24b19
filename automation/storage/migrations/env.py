"""Alembic's entry: runs the migrations on the connection that ``automation.storage.migration`` hands over."""

from alembic import context

from automation.storage import tables  # noqa: F401 - registers them
from automation.storage.account_tables import tenants

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tenants.metadata,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
