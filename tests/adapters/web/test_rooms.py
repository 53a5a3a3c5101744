"""What pages that look at a conversation are told, also when they are slow to listen."""

import pytest

from adapters.web.html import Html
from adapters.web.rooms import MOST_WAITING, News, Rooms
from orchestrator.messages import Draft, Status


@pytest.mark.proves("web.slow")
async def test_a_page_is_told_of_an_item_once_as_it_is_now() -> None:
    rooms = Rooms()
    with rooms.looking("web:ann/1") as page:
        rooms.show("web:ann/1", "a", Html("old"))
        rooms.show("web:ann/1", "b", Html("b"))
        rooms.show("web:ann/1", "a", Html("new"))
        rooms.show("web:bob/1", "a", Html("not yours"))
        assert await page.news(within=1) == News(items=(Html("b"), Html("new")))
        assert await page.news(within=0) == News()


@pytest.mark.proves("web.slow")
async def test_a_page_that_does_not_read_is_sent_away_before_it_fills_the_memory() -> None:
    rooms = Rooms()
    with rooms.looking("web:ann/1") as page:
        for number in range(3 * MOST_WAITING):
            rooms.show("web:ann/1", str(number), Html("x"))
        news = await page.news(within=1)
        assert news.ended
        assert len(news.items) <= MOST_WAITING


async def test_a_turn_that_ends_ends_those_before_it_and_an_empty_room_is_left() -> None:
    rooms = Rooms()
    for turn in ("t1", "t2", "t10"):
        rooms.begins("web:ann/1", turn)
    rooms.take("web:ann/1", "t2", Status(text="thinking"))
    rooms.take("web:ann/1", "t2", Draft(text="so far"))
    assert (rooms.find("web:ann/1").moments["t2"].draft, rooms.find("web:ann/1").moments["t2"].status) == ("so far", "")
    rooms.ends("web:ann/1", "t2")
    assert [*rooms.find("web:ann/1").moments] == ["t10"]
    rooms.ends("web:ann/1", "t10")
    assert rooms.pages == 0
    assert not rooms._rooms


@pytest.mark.proves("web.slow")
async def test_at_the_end_every_page_is_sent_away_also_one_that_comes_late() -> None:
    rooms = Rooms()
    with rooms.looking("web:ann/1") as page:
        rooms.close()
        assert (await page.news(within=1)).ended
    with rooms.looking("web:ann/1") as page:
        assert (await page.news(within=1)).ended
