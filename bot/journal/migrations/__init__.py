"""The steps that bring an older journal's tables up to date, for Alembic; both databases take the same steps."""

HEAD = "0008"
"""The newest step, known without importing Alembic."""
