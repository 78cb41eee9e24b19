"""Alembic's scripts: the schema as frozen text that never reads the code of today; ``sql/`` has one function a file."""
