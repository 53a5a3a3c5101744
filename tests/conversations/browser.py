"""A real Chromium at the page. Without one, and outside of CI, its tests are skipped.

With ERRAND_PICTURES=docs/pictures the plays write their pictures there.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not here: pip install '.[dev]'")

LONGEST_WAIT = 10_000  # milliseconds
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1180, "height": 780}


def chromium() -> str:
    """The program. Skips where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not here: apt-get install chromium")
        pytest.skip("Chromium is not here: apt-get install chromium")
    return found


class Browser:
    """A Chromium with as many people as are wanted. `troubles` are what any page of theirs has complained about."""

    def __init__(self, program: Any) -> None:
        self._program = program
        self.troubles: list[str] = []

    async def person(
        self,
        address: str,
        *,
        size: dict[str, int] | None = None,
        scheme: Literal["light", "dark"] = "light",
        **headers: str,
    ) -> Any:
        """Somebody who has opened this address, with cookies of their own."""
        context = await self._program.new_context(
            viewport=size or DESK,
            color_scheme=scheme,
            locale="en-GB",
            extra_http_headers={name.replace("_", "-"): value for name, value in headers.items()},
            reduced_motion="reduce",
        )
        context.set_default_timeout(LONGEST_WAIT)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._heard)
        await page.goto(address)
        return page

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "net::ERR" not in message.text and "Failed to load" not in message.text:
            self.troubles.append(message.text)  # a server that is away is no trouble of the page


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A Chromium. Raises AssertionError at the end where a page has complained."""
    program = chromium()
    async with playwright.async_playwright() as play:
        running = await play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        opened = Browser(running)
        try:
            yield opened
        finally:
            await running.close()
    assert opened.troubles == []


async def write(page: Any, text: str) -> None:
    """Write a message and send it."""
    await page.wait_for_load_state()  # a form that is sent before its script is here leads to another page
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def pictured(page: Any, name: str) -> None:
    """Keep a picture of the page for the documentation, where that is wanted."""
    if folder := os.environ.get("ERRAND_PICTURES"):
        Path(folder).mkdir(exist_ok=True)
        await page.wait_for_timeout(300)  # transitions
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def problems(page: Any, axe: str) -> list[str]:
    """What axe-core finds wrong with the page for people who hear it, or see little."""
    await page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await page.evaluate("tags => axe.run({ runOnly: tags })", tags)
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
