"""A move that is killed in its midst: `python -m tests.storage.dying_move SOURCE TARGET TABLE`.

At the first row of that table the process sends itself SIGKILL.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from storage.moving import move


def die_at(table: str) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_at(sys.argv[3])
    asyncio.run(move(sys.argv[1], sys.argv[2]))
