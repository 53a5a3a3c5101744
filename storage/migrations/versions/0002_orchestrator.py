"""What the whole orchestrator remembers: people, grants, memories, templates, durations, summaries, plan versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("language", sa.Text),
        sa.Column("verbosity", sa.Text),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session")),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("granted_at", INSTANT, nullable=False),
    )
    op.create_index("grants_of_person", "grants", ["channel", "person"])
    op.create_table(
        "memories",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("memories_of_person", "memories", ["channel", "person"])
    op.create_table(
        "templates",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
    )
    op.create_table(
        "durations",
        sa.Column("work", sa.Text, primary_key=True),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("runs", sa.Integer, nullable=False),
    )
    op.create_table(
        "summaries",
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), primary_key=True),
        sa.Column("upto", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
    )
    op.create_table(
        "plan_versions",
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
    )
    op.add_column("model_calls", sa.Column("cost_usd", sa.Float))
