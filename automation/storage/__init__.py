"""PostgreSQL: tables and their migrations, one query module per resource, tenant-scoped access, the embedded server."""
