"""Start to the first prompt, and memory at rest: whole processes, with the time server connected."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, middle

RUNS = 5
BARE = "import mcp, sqlalchemy, pydantic_settings; print('ready', flush=True); input()"
BARE_IS = "a process that only imports mcp, SQLAlchemy and pydantic-settings"
ROOT = Path(__file__).parents[1]


MODEL = {"ERRAND_ROUTER": "openai:some-model", "OPENAI_API_KEY": "obviously-fake"}  # loaded, and never called


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        servers = {"mcpServers": {"time": {"command": "mcp-server-time"}}}
        Path(folder, "mcp.json").write_text(json.dumps(servers))
        errand = [sys.executable, "-m", "bot", "serve", "--lines"]
        bare = [sys.executable, "-c", BARE]
        _started(errand, folder)  # the first run makes the database
        rounds = [
            (_started(bare, folder), _started(errand, folder), _started(errand, folder, **MODEL)) for _ in range(RUNS)
        ]
    theirs, ours, with_model = (
        (middle([each[0] for each in kind]), middle([each[1] for each in kind])) for kind in zip(*rounds, strict=True)
    )
    for what, (seconds, megabytes) in (("no model", ours), ("a model's client loaded", with_model)):
        yield Figure(f"start to ready, MCP server connected, {what}", seconds, "s", theirs[0], BARE_IS)
        yield Figure(f"memory at rest (RSS without the server's), {what}", megabytes, "MB", theirs[1], BARE_IS)


def _started(command: list[str], folder: str, **environment: str) -> tuple[float, float]:
    """Seconds until it says ready, and MB of memory then."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while "ready" not in process.stdout.readline():
            assert process.poll() is None, "it ended before it was ready"
        seconds = time.perf_counter() - begun
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(20)
    kilobytes = re.search(r"VmRSS:\s+(\d+)", status)
    assert kilobytes is not None
    return seconds, int(kilobytes[1]) / 1024
