"""Looking at a database on which an Errand is at work."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.errors import StorageReadOnly, StorageTaken
from storage.looking import looking
from storage.migrations import KNOWN
from storage.store import Store, open_store
from tests.storage.samples import talk


@pytest.mark.proves("store.looking")
async def test_an_open_database_can_be_looked_at_as_it_was_and_not_changed(store: Store, url: str) -> None:
    (first,) = await talk(store, "direct")
    async with looking(url) as still:
        await talk(store, "direct", session="console:other")
        assert [each.turn for each in await still.turns_before(most=9)] == [first]
        with pytest.raises(StorageReadOnly):
            await still.count_attempt(first)
    assert len(await store.turns_before(most=9)) == 2
    with pytest.raises(StorageTaken):
        await open_store(url)


@pytest.mark.proves("store.looking")
async def test_what_is_not_there_yet_is_made_and_what_is_old_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    async with looking(str(file)) as store:
        assert await store.sessions() == []
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for made_by_the_last in ("votes", "petitions", "link_codes", "accounts", "appointments"):
            connection.execute(text(f"DROP TABLE {made_by_the_last}"))
        connection.execute(text("UPDATE errand_version SET version_num = '0013'"))
    async with looking(str(file)) as store:
        assert await store.sessions() == []
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM errand_version")).scalar() == KNOWN[-1]
    engine.dispose()
