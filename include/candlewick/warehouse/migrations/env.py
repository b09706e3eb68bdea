"""Alembic's entry point: runs the revisions on the connection that ``candlewick.warehouse.schema`` hands over."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]

context.configure(connection=connection, version_table="schema_version", transactional_ddl=False)
with context.begin_transaction():
    context.run_migrations()
