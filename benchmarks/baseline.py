"""The least that any durable bot must do for one message: three commits, with the pragmas that Errand uses."""

import sqlite3
import time
from pathlib import Path


class BareCommits:
    """Takes a message in, stores its answer, notes its delivery. Nothing else."""

    def __init__(self, folder: str) -> None:
        self._database = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, event UNIQUE, text, answer, delivered)")

    def message(self, number: int) -> float:
        """One message; its seconds."""
        begun = time.perf_counter()
        self._database.execute("INSERT INTO messages (id, event, text) VALUES (?, ?, 'Hi')", (number, f"e{number}"))
        self._database.execute("UPDATE messages SET answer = 'Hello' WHERE id = ?", (number,))
        self._database.execute("UPDATE messages SET delivered = 1 WHERE id = ?", (number,))
        return time.perf_counter() - begun

    def close(self) -> None:
        self._database.close()
