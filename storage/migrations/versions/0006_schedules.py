"""What is to come into a conversation at a time, and the time zones of people."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("goes_to", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("last_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("key", name="schedules_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("schedules_of_person", "schedules", ["channel", "person"])
    op.create_index("schedules_next", "schedules", ["next_at"])
    op.add_column("people", sa.Column("time_zone", sa.Text))
