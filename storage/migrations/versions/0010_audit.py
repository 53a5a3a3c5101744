"""The audit, which the database itself keeps from being changed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SQLITE = (
    """CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END""",
    """CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
    WHEN OLD.id > coalesce((SELECT max(removes_upto) FROM audit), 0)
    BEGIN SELECT RAISE(ABORT, 'rows of the audit go by retention alone'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit is not changed'; END $$""",
    """CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.id > coalesce((SELECT max(removes_upto) FROM audit), 0) THEN
            RAISE EXCEPTION 'rows of the audit go by retention alone';
        END IF;
        RETURN OLD;
    END $$""",
    "CREATE TRIGGER audit_stays BEFORE UPDATE OR TRUNCATE ON audit EXECUTE FUNCTION audit_stays()",
    "CREATE TRIGGER audit_keeps BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps()",
)


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "name", name="aliases_name"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("session", sa.Text),
        sa.Column("turn", sa.Integer),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("digest", sa.Text),
        sa.Column("removes_upto", sa.Integer),
        sa.Column("chain", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_of_person", "audit", ["person"])
    op.create_index("audit_at", "audit", ["at"])
    op.create_index("audit_removes", "audit", ["removes_upto"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
