"""The tables as they were before there were migrations; such a file is taken over as it stands."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make torrents, runs and jobs."""
    op.create_table(
        "torrents",
        sa.Column("infohash", sa.Text, primary_key=True),
        sa.Column("infohash_v2", sa.Text),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("file_count", sa.Integer, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("added_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("manifest", sa.JSON, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, unique=True),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("heartbeat_at", sa.DateTime),
        sa.Column("doing", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("report", sa.JSON),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
    )
