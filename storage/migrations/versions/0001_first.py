"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("history_after", sa.Integer, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.UniqueConstraint("channel", "event_id", name="inbox_event"),
        sqlite_autoincrement=True,
    )
    unfinished = sa.text("done_at IS NULL")
    op.create_index("inbox_unfinished", "inbox", ["number"], sqlite_where=unfinished, postgresql_where=unfinished)
    op.create_table(
        "turns",
        sa.Column("turn", sa.Integer, sa.ForeignKey("inbox.number"), primary_key=True, autoincrement=False),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("dossier", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
    )
    op.create_index("turns_of_session", "turns", ["session", "turn"])
    op.create_table(
        "plans",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), nullable=False),
        sa.Column("turn", sa.Integer, sa.ForeignKey("inbox.number"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
    )
    op.create_index("plans_of_turn", "plans", ["turn", "saved_at"])
    op.create_table(
        "step_results",
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id"), primary_key=True),
        sa.Column("step", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.id")),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "questions_open",
        "questions",
        ["session"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("turn", sa.Integer, sa.ForeignKey("turns.turn"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.session"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("delivered_at", INSTANT),
    )
    undelivered = sa.text("delivered_at IS NULL")
    op.create_index(
        "outbox_undelivered",
        "outbox",
        ["turn", "position"],
        sqlite_where=undelivered,
        postgresql_where=undelivered,
    )
    op.create_table(
        "model_calls",
        sa.Column("turn", sa.Integer, sa.ForeignKey("turns.turn"), primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
    )
