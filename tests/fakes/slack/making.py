"""Makes JSON Schemas from Slack's own types, once a machine: npm fetches them, the user's cache keeps what is made."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

PACKAGES = ("@slack/web-api@8.2.0", "@slack/types@3.2.0", "ts-json-schema-generator@2.4.0")
GROUPS = "agents apps assistant auth bots chat conversations files oauth reactions team users views".split()
SOURCES = {
    "calls": f"node_modules/@slack/web-api/dist/types/request/{{{','.join(GROUPS)}}}.d.ts",
    "events": "node_modules/@slack/types/dist/events/index.d.ts",
}
GENERATOR = "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"
QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0")
SECONDS = 50  # what npm and the generator may take; usually ten
TOLD = 240  # characters of what went wrong


class NotValidated(Exception):
    """There are no schemas on this machine, for this reason."""


def definitions() -> dict[str, Any]:
    """Of `calls` and of `events`, by the names of the types. Raises NotValidated."""
    path = cache_path()
    if not path.exists():
        _make(path)
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def cache_path() -> Path:
    """By the versions, outside of any checkout."""
    versions = "-".join(each.rsplit("@", 1)[1] for each in PACKAGES)
    return cache() / f"slack-{versions}.json"


def cache() -> Path:
    """The folder of what the tests fetch once a machine."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "errand-tests"


def _make(path: Path) -> None:
    """Whole or not at all: another process may look at the same time."""
    missing = [each for each in ("node", "npm") if shutil.which(each) is None]
    if missing:
        raise NotValidated(f"{' and '.join(missing)} not found")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _run(folder, "npm", "install", *QUIET, *PACKAGES)
        made = {name: _generated(folder, source) for name, source in SOURCES.items()}
        whole = Path(folder) / "made.json"
        whole.write_text(json.dumps(made))
        whole.replace(path)


def _generated(folder: str, source: str) -> Any:
    options = ("--type", "*", "--no-type-check", "--out", "one.json")
    _run(folder, "node", GENERATOR, "--path", source, *options)
    return json.loads((Path(folder) / "one.json").read_text())["definitions"]


def _run(folder: str, *command: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotValidated(f"{command[0]} took longer than {SECONDS} seconds") from None
    if done.returncode:
        raise NotValidated(f"{command[0]} failed: {done.stderr.strip()[-TOLD:]}")
