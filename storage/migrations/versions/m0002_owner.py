"""A database on a server says whose catalogue it is, so that two workspaces never share one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table `owner`."""
    op.create_table(
        "owner",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("workspace", sa.Text, nullable=False),
    )
