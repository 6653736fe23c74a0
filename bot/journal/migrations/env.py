"""What Alembic runs: the steps on the connection it was handed, in that connection's own transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
