"""Calls `errand` as an operator does: a process of its own, in a folder."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def errand_now(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the command comes to."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def errand(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The same, while the loop goes on: a model server of the test may run in it."""
    return await asyncio.to_thread(errand_now, folder, *words, **variables)
