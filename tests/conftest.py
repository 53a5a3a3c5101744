"""What every test may use."""

from pathlib import Path

import pytest

from tests.databases import postgres_server

__all__ = ["postgres_server"]

PROVEN = pytest.StashKey[set[str]]()
WHOLE_SUITE = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember which promises the collected tests prove, for tests/test_requirements.py."""
    config.stash[PROVEN] = {promise for item in items for mark in item.iter_markers("proves") for promise in mark.args}
    config.stash[WHOLE_SUITE] = {Path(argument).name for argument in config.args} <= {"tests"} and not (
        config.option.keyword or config.option.markexpr
    )
