"""Alembic's scripts: how the schema came to be, as frozen text that never reads the code of today."""
