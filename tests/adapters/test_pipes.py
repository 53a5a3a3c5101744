"""Lines out of a pipe and text into one, without holding up the loop."""

import asyncio
import io
import os
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import DeliveryError
from adapters.pipes import Outlet, read_lines
from tests.adapters.core import LONGEST_WAIT, pipe

TOO_MUCH = "x" * 200_000  # more than a pipe holds


async def all_lines(written: list[bytes], *, limit: int = 100) -> list[bytes | None]:
    with pipe() as (reader, writer):

        async def write() -> None:
            for chunk in written:
                os.write(writer.fileno(), chunk)
                await asyncio.sleep(0)
            writer.close()

        async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            return [line async for line in read_lines(reader, limit=limit)]


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(min_value=1, max_value=40))
def test_lines_are_the_same_however_they_were_cut(written: list[bytes], limit: int) -> None:
    lines = b"".join(written).split(b"\n")
    expected = [line if len(line) <= limit else None for line in (lines if lines[-1] else lines[:-1])]
    assert asyncio.run(all_lines(written, limit=limit)) == expected


async def test_a_regular_file_and_text_in_memory_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("one\ntwo")
    with (tmp_path / "lines").open() as file:
        assert [line async for line in read_lines(file, limit=9)] == [b"one", b"two"]
    assert [line async for line in read_lines(io.StringIO("one\ntwo\n"), limit=9)] == [b"one", b"two"]


async def test_waiting_for_input_can_be_cancelled() -> None:
    with pipe() as (reader, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(read_lines(reader, limit=9))
        assert not asyncio.get_running_loop().remove_reader(reader.fileno())


async def read_out(reader: TextIO, length: int) -> str:
    return await asyncio.wait_for(asyncio.to_thread(reader.read, length), LONGEST_WAIT)


@pytest.mark.proves("channel.lines.whole_lines")
async def test_what_a_cancelled_call_leaves_goes_out_with_the_next() -> None:
    with pipe() as (reader, writer):
        outlet = Outlet(writer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await outlet.write(f"{TOO_MUCH}\n")
        assert outlet.backlog
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(outlet.write("next\n"))
            assert await read_out(reader, len(TOO_MUCH) + 6) == f"{TOO_MUCH}\nnext\n"


async def test_a_slow_reader_does_not_hold_up_the_loop() -> None:
    with pipe() as (reader, writer):
        outlet = Outlet(writer)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(outlet.write(TOO_MUCH))
            for _ in range(200):
                await asyncio.sleep(0)
            assert not writing.done()
            await read_out(reader, len(TOO_MUCH))


async def test_everybody_who_waits_hears_that_the_reader_is_gone() -> None:
    with pipe() as (reader, writer):
        outlet = Outlet(writer)
        async with asyncio.TaskGroup() as tasks:
            first, second = tasks.create_task(failing(outlet)), tasks.create_task(failing(outlet))
            await asyncio.sleep(0)
            reader.close()
        assert (first.result(), second.result()) == ("nobody reads any more", "nobody reads any more")
        with pytest.raises(DeliveryError):
            await outlet.write("again")


async def failing(outlet: Outlet) -> str:
    with pytest.raises(DeliveryError) as failed:
        await outlet.write(TOO_MUCH)
    return str(failed.value)


async def test_what_the_target_cannot_spell_is_replaced() -> None:
    written = io.BytesIO()
    target = io.TextIOWrapper(written, encoding="ascii")
    await Outlet(target).write("✓ ok\ud800")
    assert written.getvalue() == b"? ok?"
