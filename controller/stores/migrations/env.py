"""Read by alembic: runs the steps on the connection that it is given, in that connection's transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="gridward")
context.run_migrations()
