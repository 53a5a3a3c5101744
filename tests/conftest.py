"""What every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresServer, binaries, postgres_server

__all__ = ["binaries", "postgres_server"]

PROVEN = pytest.StashKey[set[str]]()
WHOLE_SUITE = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["alone", "cluster"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """How conversations run: alone, or as a cluster on a PostgreSQL database."""
    if request.param == "cluster":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            monkeypatch.setattr("tests.conversations.talk.SHARED_DATABASE", url)
            yield request.param
    else:
        yield request.param


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember which promises the collected tests prove, for tests/test_requirements.py."""
    config.stash[PROVEN] = {promise for item in items for mark in item.iter_markers("proves") for promise in mark.args}
    config.stash[WHOLE_SUITE] = {Path(argument).name for argument in config.args} <= {"tests"} and not (
        config.option.keyword or config.option.markexpr
    )
