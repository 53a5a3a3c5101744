"""What lets a channel show back what was said, and find words in it."""

from alembic import op

revision = "0013"
down_revision = "0012"

INSERT = "INSERT INTO turn_words(rowid, request, answer) VALUES (new.turn, new.request, new.answer);"
DELETE = """INSERT INTO turn_words(turn_words, rowid, request, answer)
VALUES ('delete', old.turn, old.request, old.answer);"""
TABLE = """CREATE VIRTUAL TABLE turn_words USING fts5(
request, answer, content='turns', content_rowid='turn', tokenize='unicode61 remove_diacritics 2')"""
SQLITE = (
    TABLE,
    "INSERT INTO turn_words(turn_words) VALUES ('rebuild')",
    f"CREATE TRIGGER turn_words_insert AFTER INSERT ON turns BEGIN {INSERT} END",
    f"CREATE TRIGGER turn_words_delete AFTER DELETE ON turns BEGIN {DELETE} END",
    f"CREATE TRIGGER turn_words_update AFTER UPDATE OF request, answer ON turns BEGIN {DELETE} {INSERT} END",
)
POSTGRESQL = (
    "CREATE INDEX turn_words ON turns USING gin (to_tsvector('simple', left(request || ' ' || answer, 100000)))",
)


def upgrade() -> None:
    op.create_index("inbox_of_session", "inbox", ["session", "number"])
    op.create_index("outbox_of_session", "outbox", ["session", "turn", "position"])
    op.create_index("plans_of_session", "plans", ["session", "turn"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
