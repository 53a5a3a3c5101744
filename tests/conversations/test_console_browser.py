"""The console in a real Chromium: what admins see, press and hear, also on a phone."""

import logging
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.app import App
from tests.conversations.browser import LONGEST_WAIT, PHONE, browser, pictured, playwright, problems
from tests.conversations.console_talk import CHANGED, OTHER, PAGES, TRIP, console_at, lived, says, worked
from tests.conversations.test_console import same_words
from tests.fakes.web_visitor import visitor
from tests.node_packages import installed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect = playwright.expect
expect.set_options(timeout=LONGEST_WAIT)
SEES: dict[str, Any] = {"budgets": "person day 40000 tokens, team month 2 usd", "tides": [CHANGED, OTHER]}
OWNED = "document.title='owned'"
NASTY = f'"><script>{OWNED}</script><img src=x onerror={OWNED}><svg onload={OWNED}></title></textarea></li>'


async def past(app: App, address: str) -> None:
    """A past with something on every page; the plan is turn t1."""
    async with visitor(address) as ann:
        assert await says(app, ann, TRIP) == "t1"
        await lived(app.store)
        await worked(app.store, "t1")
        for words in ("Please order a pizza", "Order me a pizza for tonight", "Order a taxi to the airport"):
            await says(app, ann, words, conversation="second")
        await says(app, ann, "Is anybody there? Please be away.", conversation="third")


async def fits(page: Any) -> bool:
    """Whether nothing has to be scrolled sideways."""
    fit: bool = await page.evaluate(
        "[document.documentElement, document.querySelector('main')].every(each => each.scrollWidth <= each.clientWidth)"
    )
    return fit


@pytest.mark.proves("console.browser")
async def test_from_the_chat_to_a_dossier_with_its_graph_its_timeline_and_its_evidence(tmp_path: Path) -> None:
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        await past(app, web.address)
        page = await chromium.person(web.address)
        await page.get_by_role("link", name="Console").click()
        await expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
        await expect(page.get_by_role("list", name="Turns a day").get_by_role("listitem")).to_have_count(14)
        await pictured(page, "console_overview")
        await page.get_by_role("link", name="Turns", exact=True).click()
        await page.get_by_role("link", name="Older ones").click()
        await page.get_by_role("link", name="/plan a: forecast").click()
        picture = page.get_by_role("list", name="Plan: 5 steps, each when it can")
        await expect(picture.get_by_role("listitem", name="fares (Lisbon): done")).to_be_visible()
        await expect(page.locator(".span-done")).to_have_count(5)
        await page.evaluate("document.querySelector('.plan').closest('section').scrollIntoView()")
        await pictured(page, "console_dossier")
        await page.get_by_text("fares (Lisbon)").last.click()
        await expect(page.get_by_text("Lisbon: from 89 €", exact=True)).to_be_visible()


@pytest.mark.proves("console.browser", "console.review")
async def test_a_case_is_answered_with_the_keyboard_alone(tmp_path: Path) -> None:
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        await past(app, web.address)
        page = await chromium.person(f"{web.address}/console/review")
        await expect(page.locator(".case")).to_contain_text("Is anybody there?")
        await pictured(page, "console_review")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#content")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Yes, I am.")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("is on its way.")
        await expect(page.locator(".case")).to_have_count(0)
        await page.goto(f"{web.address}/c/third")
        await expect(page.locator(".answer").last).to_contain_text("A person answers: Yes, I am.")


@pytest.mark.proves("console.browser", "console.servers")
async def test_a_waiting_tool_is_let_in_by_a_button(tmp_path: Path) -> None:
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        page = await chromium.person(f"{web.address}/console/servers")
        await expect(page.locator(".held")).to_have_count(2)
        await pictured(page, "console_tools")
        await page.get_by_role("button", name="Let tides run").click()
        await expect(page.get_by_role("status")).to_have_text("tides of sea may run.")
        await expect(page.locator(".held")).to_have_count(1)
        assert app.catalog.find("sea__tides") is not None


@pytest.mark.proves("console.browser", "console.log")
async def test_the_log_grows_on_the_page_and_leads_to_the_turn(tmp_path: Path) -> None:
    async with console_at(tmp_path) as (app, web), browser() as chromium, visitor(web.address) as ann:
        page = await chromium.person(f"{web.address}/console/log")
        await expect(page.get_by_role("log")).to_be_visible()
        await says(app, ann, "Hi there")
        await expect(page.locator("#log .entry", has_text="turn ended")).to_be_visible()
        await pictured(page, "console_log")
        await page.get_by_role("link", name="warnings").click()
        await expect(page.locator("#log .entry", has_text="turn ended")).to_have_count(0)
        logging.getLogger("bot.test").warning("something is odd", extra={"turn": "t1"})
        await expect(page.locator("#log .entry")).to_contain_text("something is odd")
        await page.get_by_role("link", name="turn=t1").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Turn t1")


@pytest.mark.proves("console.phone")
async def test_on_a_phone_everything_fits_and_can_be_reached(tmp_path: Path) -> None:
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        await past(app, web.address)
        page = await chromium.person(f"{web.address}/console", size=PHONE, scheme="dark")
        for path in PAGES:
            await page.goto(f"{web.address}{path}")
            assert await fits(page), path
            await expect(page.locator("nav a[aria-current]")).to_be_in_viewport(ratio=1)
        await page.goto(f"{web.address}/console/turns/t1")
        await expect(page.get_by_role("listitem", name="fares (Lisbon): done")).to_be_visible()
        await pictured(page, "console_phone")
        small = await page.evaluate(
            "[...document.querySelectorAll('nav a, button, summary')]"
            ".filter(each => each.offsetWidth && Math.min(each.offsetWidth, each.offsetHeight) < 24).length"
        )
        assert small == 0, "a thumb needs 24 pixels (WCAG 2.2, 2.5.8)"


@pytest.mark.proves("console.browser", "console.budgets", "console.workers")
async def test_pictures_of_numbers_say_what_they_show(tmp_path: Path) -> None:
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        await past(app, web.address)
        page = await chromium.person(f"{web.address}/console/budgets")
        days = page.get_by_role("list", name="US dollars a day, by model").get_by_role("listitem")
        await expect(days).to_have_count(14)
        tallest = await page.evaluate(
            "Math.max(...[...document.querySelectorAll('.chart rect.one')].map(e => e.getBoundingClientRect().height))"
        )
        assert 20 < tallest <= 150
        await expect(page.get_by_role("img", name="the budget of web:ann for today")).to_be_visible()
        await pictured(page, "console_budgets")
        await page.get_by_role("link", name="Workers").click()
        await expect(page.get_by_role("img", name="general: 19 of 24 (79%)")).to_be_visible()
        await pictured(page, "console_workers")


@pytest.mark.proves("console.escaped")
async def test_nothing_that_the_console_shows_runs_in_the_browser() -> None:
    async with same_words(NASTY) as (address, _), browser() as chromium:
        page = await chromium.person(f"{address}/console")
        for path in PAGES:
            await page.goto(f"{address}{path}")
            if path == "/console/log":
                await expect(page.locator("#log .entry")).to_have_count(1)
            assert await page.locator("main img, body script, a[href^=javascript], [onerror], [onload]").count() == 0
            assert not (await page.title()).startswith("owned")
            assert await page.evaluate("document.querySelectorAll('nav ul a').length") == 10


@pytest.mark.proves("console.accessible")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_who_hear_the_console_or_see_little_find_everything(
    tmp_path: Path, pytestconfig: pytest.Config, scheme: Literal["light", "dark"]
) -> None:
    axe = (installed("axe", pytestconfig) / "axe-core" / "axe.min.js").read_text()
    async with console_at(tmp_path, **SEES) as (app, web), browser() as chromium:
        await past(app, web.address)
        page = await chromium.person(f"{web.address}/console", scheme=scheme)
        for path in PAGES:
            await page.goto(f"{web.address}{path}")
            await page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
            assert await problems(page, axe) == [], path
