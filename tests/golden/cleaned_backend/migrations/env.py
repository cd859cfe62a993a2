"""Alembic's environment: runs on the connection the service hands it."""

from alembic import context

from reference_backend.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
context.run_migrations()
