"""The life of one process of a cluster."""

import asyncio
from typing import cast

import pytest

from bot.app import App
from bot.cluster.line import LineBroken
from bot.cluster.member import Member
from bot.cluster.node import Node


class Breaking(Node):
    """Its line breaks as soon as it is to end."""

    def __init__(self) -> None:
        super().__init__(cast("App", None), cast("Member", None), [], drain_seconds=0.0)
        self.lives: asyncio.Queue[None] = asyncio.Queue()

    async def _live(self) -> None:
        async def breaks() -> None:
            self.lives.put_nowait(None)
            try:
                await asyncio.Event().wait()
            finally:
                raise LineBroken("it is gone")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(breaks())


@pytest.mark.proves("faults.cut_off")
async def test_a_process_whose_line_breaks_while_it_is_to_end_ends() -> None:
    node = Breaking()
    living = asyncio.create_task(node._live_on())
    await node.lives.get()
    living.cancel()
    done, _ = await asyncio.wait({living}, timeout=5)
    assert done == {living}, "it began another life"
    assert living.cancelled()
