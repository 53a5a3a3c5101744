"""A full disk: nothing is half stored, and it goes on when there is space again."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.errors import StorageFull
from storage.store import Store, open_store
from tests.storage.samples import CHANNELS, arrive, conclusion, remember

pytestmark = [pytest.mark.faults, pytest.mark.proves("store.full")]

LARGE = "x" * 300_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where we may mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True, timeout=5).returncode != 0:
        pytest.skip("only root can mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True, timeout=5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(str(tmp_path / "errand.db"))
    yield store
    await store.close()


async def limit_pages(store: Store, pages: int) -> None:
    await store._database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))


async def fill_up(store: Store) -> list[str]:
    """Store events until there is no space; the ones that were stored."""
    stored: list[str] = []
    try:
        for number in range(1000):
            await remember(store, str(number), payload=LARGE[:20_000])
            stored.append(str(number))
    except StorageFull:
        return stored
    raise AssertionError("The disk is not small.")


async def test_an_event_on_a_full_database_is_refused_whole_and_taken_when_there_is_space(store: Store) -> None:
    turn = await arrive(store, "before")
    await limit_pages(store, 30)
    with pytest.raises(StorageFull, match="The disk is full"):
        await remember(store, "1", session="console:new", payload=LARGE)
    with pytest.raises(StorageFull):
        await store.finish(conclusion(turn, shown=("small", LARGE)))
    assert [each.event_id for each in await store.unfinished(channels=CHANNELS)] == ["before"]
    assert [each.session for each in await store.sessions()] == ["console:me"]
    assert await store.undelivered() == []
    await limit_pages(store, 10_000)
    assert await remember(store, "1", session="console:new", payload=LARGE)
    assert len(await store.finish(conclusion(turn, shown=("small", LARGE)))) == 2


async def test_an_event_on_a_really_full_disk_is_refused_whole_and_taken_when_there_is_space(
    small_disk: Path,
) -> None:
    store = await open_store(str(small_disk / "errand.db"))
    fill = small_disk / "other things"
    fill.write_bytes(b"x" * 200_000)
    stored = await fill_up(store)
    for _ in range(2):
        with pytest.raises(StorageFull):
            await remember(store, "one more", session="console:new", payload=LARGE)
    fill.unlink()
    assert await remember(store, "at last")
    assert [each.event_id for each in await store.unfinished(channels=CHANNELS)] == [*stored, "at last"]
    await store.close()


async def test_a_full_disk_at_the_start_says_so(small_disk: Path) -> None:
    fill = small_disk / "other things"
    with pytest.raises(OSError, match="No space"):
        fill.write_bytes(b"x" * 2_000_000)
    with pytest.raises(StorageFull, match="Free some space"):
        await open_store(str(small_disk / "errand.db"))
    fill.unlink()
    await (await open_store(str(small_disk / "errand.db"))).close()
