"""Two browsers and a chat in the terminal on one server: a real Chromium and a real terminal, over a restart."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.adapters.person import CTRL_D, ENTER, Person
from tests.conversations.browser import LONGEST_WAIT, browser, playwright, write
from tests.conversations.web_talk import PROXY

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect = playwright.expect
expect.set_options(timeout=LONGEST_WAIT)
CITIES = ("Lisbon", "Porto", "Faro")


@asynccontextmanager
async def chatting(folder: Path, port: int) -> AsyncIterator[Person]:
    """`errand chat` at a terminal, with its page at this port for whom a proxy names."""
    given = {
        "database": folder / "errand.db",
        "files": folder / "files",
        "servers": folder / "none.json",
        "policy_file": folder / "none.toml",
        "functions": "tests.conversations.console_talk",
        "web_port": port,
        **PROXY,
    }
    settings = {f"ERRAND_{name.upper()}": str(value) for name, value in given.items()}
    async with Person.at_a_terminal("-m", "bot", "chat", **settings, DISPLAY="", WAYLAND_DISPLAY="") as person:
        await person.sees_prompt_after("Ctrl-D leaves.")
        yield person
        person.type(CTRL_D)
        assert await person.leaves() == 0


@pytest.mark.proves("web.apart", "web.restart")
async def test_two_browsers_and_a_terminal_keep_apart_and_go_on_after_a_restart(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/c/same"
    async with browser() as chromium:
        async with chatting(tmp_path, port) as sam:
            ann = await chromium.person(address, X_Forwarded_User="ann")
            bob = await chromium.person(address, X_Forwarded_User="bob")
            sam.type(f"/forecast city=Faro{ENTER}")
            await asyncio.gather(write(ann, "/forecast city=Lisbon"), write(bob, "/forecast city=Porto"))
            await expect(ann.locator(".answer")).to_contain_text("Lisbon: 21")
            await expect(bob.locator(".answer")).to_contain_text("Porto: 21")
            await sam.sees_prompt_after("Faro: 21")
            sam.type(f"/fares{ENTER}")
            await asyncio.gather(write(ann, "/fares"), write(bob, "/fares"))
            for page in (ann, bob):
                await expect(page.locator(".question")).to_be_visible()
            await sam.sees_prompt_after("city")
        before = sam.seen
        await expect(ann.locator("#connection")).to_contain_text("No connection")
        async with chatting(tmp_path, port) as sam:
            for page in (ann, bob):
                await expect(page.locator("#connection")).to_be_empty(timeout=3 * LONGEST_WAIT)  # pauses grow
            sam.type(f"Faro{ENTER}")
            await asyncio.gather(write(ann, "Lisbon"), write(bob, "Porto"))
            await expect(ann.locator(".answer").last).to_contain_text("Lisbon: from 89")
            await expect(bob.locator(".answer").last).to_contain_text("Porto: from 89")
            await sam.sees_prompt_after("Faro: from 89")
        shown = [await page.locator("body").inner_text() for page in (ann, bob)] + [before + sam.seen]
    for text, own in zip(shown, CITIES, strict=True):
        assert [city for city in CITIES if city in text] == [own]
    for page_text in shown[:2]:
        assert page_text.count("from 89") == 1
