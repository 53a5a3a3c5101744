"""The page in a real Chromium: what people see, press and hear."""

import asyncio
import socket
from pathlib import Path
from typing import Any, Literal

import pytest

from orchestrator.models import ModelReply, Scripted
from orchestrator.tools.drawing.canvas import Canvas
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from tests.conversations.browser import LONGEST_WAIT, PHONE, browser, pictured, playwright, problems, write
from tests.conversations.test_plans import calls
from tests.conversations.web_talk import PROXY, page_at
from tests.node_packages import installed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect = playwright.expect
expect.set_options(timeout=LONGEST_WAIT)


class Trip:
    """Tools for a trip. `fares` waits until `go`; what was really booked is in `booked`."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.begun, self.go = asyncio.Event(), asyncio.Event()

        @tool(read_only=True)
        def weather(city: str) -> str:
            """Tell the weather."""
            return f"{city}: 21 °C, sunny"

        @tool(read_only=True)
        async def fares(city: str) -> str:
            """Compare fares."""
            self.begun.set()
            await self.go.wait()
            return f"{city}: from 89 €"

        @tool(read_only=True)
        def compare(first: str, second: str) -> str:
            """Compare two."""
            return f"{first} | {second}"

        @tool
        def book(city: str, nights: int) -> str:
            """Book a hotel."""
            self.booked.append(city)
            return f"booked {nights} nights in {city}"

        self.tools = [Functions([weather, fares, compare, book])]


GRAPH = """/plan a: weather(city="Lisbon")
b: weather(city="Porto")
c: fares(city="Lisbon")
d: compare(first="${a}", second="${b}")
e: compare(first="${d}", second="${c}")"""


@pytest.mark.proves("web.browser")
async def test_a_first_visit_a_plan_that_grows_and_its_answer(tmp_path: Path) -> None:
    trip = Trip()
    async with page_at(tmp_path, toolsets=trip.tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await expect(page.get_by_role("heading", name="What can I do for you?")).to_be_visible()
        await expect(page.get_by_label("Message", exact=True)).to_be_focused()
        await pictured(page, "web_first_visit")
        await write(page, GRAPH)
        await trip.begun.wait()
        picture = page.get_by_role("list", name="Plan: 5 steps, each when it can")
        await expect(picture.get_by_role("listitem", name="fares (Lisbon): running")).to_be_visible()
        await expect(picture.get_by_role("listitem", name="weather (Porto): done")).to_be_visible()
        await pictured(page, "web_plan")
        trip.go.set()
        await expect(page.locator(".answer")).to_contain_text("from 89 €")
        await expect(page.locator(".live")).to_have_count(0)
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()
        assert "/c/" in page.url, "the conversation has an address of its own"
        await expect(page.locator("#list a[aria-current=page]")).to_contain_text("/plan a: weather")


@pytest.mark.proves("web.browser")
async def test_a_clarification_by_button_and_an_approval(tmp_path: Path) -> None:
    trip = Trip()

    def script(messages: Any, tools: Any) -> ModelReply:
        if not tools:
            return ModelReply("Your hotel in **Porto** is booked for two nights.", "fake")
        if messages[-1].text.startswith("Book"):
            asked = [{"text": "In which city?", "choices": ["Lisbon", "Porto"]}]
            return calls(("ask", {"questions": asked}))
        return calls(("book", {"city": "Porto", "nights": 2}))

    model = Scripted(script)
    async with (
        page_at(tmp_path, toolsets=trip.tools, model=lambda name: model, router="fake:fake") as (_, web),
        browser() as chromium,
    ):
        page = await chromium.person(web.address)
        await write(page, "Book me a hotel for 2 nights")
        await expect(page.locator(".question")).to_contain_text("In which city?")
        await page.get_by_role("button", name="Porto").click()
        await expect(page.locator(".question").last).to_contain_text("May I run")
        await expect(page.get_by_role("button", name="Lisbon")).to_have_count(0)
        await expect(page.get_by_label("Message", exact=True)).to_be_focused()
        assert trip.booked == []
        await pictured(page, "web_approval")
        await page.get_by_role("button", name="yes", exact=True).click()
        await expect(page.locator(".answer")).to_contain_text("booked")
        assert trip.booked == ["Porto"]
        await page.get_by_role("button", name="Good").click()
        await expect(page.get_by_role("button", name="Good")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Why?").click()
        await expect(page.locator(".notice")).to_contain_text("t3")


@pytest.mark.proves("web.browser")
async def test_stop_ends_what_runs(tmp_path: Path) -> None:
    trip = Trip()
    async with page_at(tmp_path, toolsets=trip.tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await write(page, "/fares city=Lisbon")
        await trip.begun.wait()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".notice")).to_contain_text("Stopped.")
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()


@pytest.mark.proves("web.browser")
async def test_a_file_goes_in_and_a_picture_comes_out(tmp_path: Path) -> None:
    @tool(read_only=True)
    def plot(path: Path) -> list[str | File]:
        """Plot."""
        canvas = Canvas(600, 300, (26, 107, 88))
        return [f"{path.stat().st_size} bytes are plotted.", File("chart.png", "image/png", canvas.png())]

    async with page_at(tmp_path, toolsets=[Functions([plot])]) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        numbers = {"name": "numbers.csv", "mimeType": "text/csv", "buffer": b"1,2,3"}
        await page.get_by_label("Add files").set_input_files(numbers)
        await expect(page.get_by_role("button", name="Remove numbers.csv")).to_be_visible()
        await page.wait_for_selector("#attached li:not(.coming)")
        await write(page, "/plot")
        await expect(page.locator(".answer")).to_contain_text("5 bytes are plotted")
        await expect(page.locator(".said")).to_contain_text("numbers.csv")
        picture = page.get_by_role("img", name="chart.png")
        await expect(picture).to_be_visible()
        await picture.scroll_into_view_if_needed()
        await page.wait_for_function("document.querySelector('.files img').naturalWidth === 600")
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="chart.png").click()
        assert (await coming.value).suggested_filename == "chart.png"


@pytest.mark.proves("web.browser")
async def test_search_finds_what_was_said_and_leads_there(tmp_path: Path) -> None:
    async with page_at(tmp_path, toolsets=Trip().tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await write(page, "/weather city=Lisbon")
        await expect(page.locator(".answer")).to_have_count(1)
        await page.get_by_role("link", name="New conversation", exact=True).click()
        await expect(page.locator(".answer")).to_have_count(0)
        await write(page, "/weather city=Porto")
        await expect(page.locator(".answer")).to_contain_text("Porto")
        await expect(page.locator("#list a")).to_have_count(2)
        await page.get_by_label("Search").fill("lisb")
        await expect(page.locator("#list mark")).to_have_text("Lisb")
        await expect(page.locator("#list a")).to_have_count(1)
        await pictured(page, "web_search")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.locator(".answer")).to_contain_text("Lisbon: 21")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Lisbon")


@pytest.mark.proves("web.phone")
async def test_on_a_phone_nothing_is_cut_off_and_the_list_comes_from_the_side(tmp_path: Path) -> None:
    trip = Trip()
    trip.go.set()
    async with page_at(tmp_path, toolsets=trip.tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address, size=PHONE, scheme="dark")
        await write(page, GRAPH)
        await expect(page.locator(".answer")).to_contain_text("89 €")
        await page.locator(".plan").scroll_into_view_if_needed()
        await expect(page.get_by_role("listitem", name="fares (Lisbon): done")).to_be_visible()
        await pictured(page, "web_phone")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await expect(page.get_by_label("Search")).to_be_hidden()
        await page.get_by_role("button", name="Conversations").click()
        await expect(page.get_by_role("button", name="Close the list")).to_be_focused()
        await expect(page.get_by_label("Search")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_label("Search")).to_be_hidden()
        await expect(page.get_by_role("button", name="Conversations")).to_be_focused()
        small = await page.evaluate(
            "[...document.querySelectorAll('header button, footer button, .choices button')]"
            ".filter(each => each.offsetWidth && Math.min(each.offsetWidth, each.offsetHeight) < 24).length"
        )
        assert small == 0, "a thumb needs 24 pixels (WCAG 2.2, 2.5.8)"


@pytest.mark.proves("web.keyboard")
async def test_everything_can_be_done_with_the_keyboard_alone(tmp_path: Path) -> None:
    trip = Trip()
    async with page_at(tmp_path, toolsets=trip.tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await page.keyboard.type("first line")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second line")
        await expect(page.get_by_label("Message", exact=True)).to_have_value("first line\nsecond line")
        await page.get_by_label("Message", exact=True).fill("")
        await page.keyboard.type("/book city=Porto nights=2")
        await page.keyboard.press("Enter")
        await expect(page.locator(".question")).to_contain_text("May I run")
        await _tab_to(page, "yes", back=True)
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await expect(page.locator(".answer")).to_contain_text("booked 2 nights in Porto")
        await page.reload()
        await _tab_to(page, "Skip to the conversation", back=True)
        await expect(page.locator(":focus")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("#said")).to_be_focused()
        await _tab_to(page, "Light or dark", back=True)
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def _tab_to(page: Any, name: str, *, back: bool = False) -> None:
    for _ in range(30):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        if name == await page.evaluate("document.activeElement.textContent.trim()"):
            return
    raise AssertionError(f"{name!r} cannot be reached with Tab")


@pytest.mark.proves("web.restart")
async def test_words_written_while_errand_was_away_are_sent_once_and_nothing_is_shown_twice(tmp_path: Path) -> None:
    trip = Trip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with browser() as chromium:
        async with page_at(tmp_path, toolsets=trip.tools, web_port=port) as (_, web):
            page = await chromium.person(web.address)
            await write(page, "/weather city=Lisbon")
            await expect(page.locator(".answer")).to_have_count(1)
        await expect(page.locator("#connection")).to_contain_text("No connection")
        await write(page, "/weather city=Porto")
        await expect(page.locator(".unsent")).to_contain_text("Not sent yet")
        await pictured(page, "web_away")
        async with page_at(tmp_path, toolsets=trip.tools, web_port=port):
            await expect(page.locator(".answer").last).to_contain_text("Porto")
            await expect(page.locator("#connection")).to_be_empty()
            await expect(page.locator(".unsent")).to_have_count(0)
            assert await page.locator(".answer").count() == await page.locator(".said").count() == 2
            await page.reload()
            await expect(page.locator(".answer")).to_have_count(2)


@pytest.mark.proves("web.restart")
async def test_words_survive_a_reload_of_the_page_while_errand_is_away(tmp_path: Path) -> None:
    async with page_at(tmp_path, toolsets=Trip().tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await write(page, "/weather city=Lisbon")
        await expect(page.locator(".answer")).to_have_count(1)
        await page.route("**/messages", lambda route: route.abort())
        await write(page, "/weather city=Porto")
        await expect(page.locator(".unsent")).to_contain_text("Not sent yet")
        await page.unroute("**/messages")
        await page.reload()
        await expect(page.locator(".answer")).to_have_count(2)


@pytest.mark.proves("web.apart")
async def test_two_browsers_on_one_server_see_only_their_own(tmp_path: Path) -> None:
    async with page_at(tmp_path, toolsets=Trip().tools, **PROXY) as (_, web), browser() as chromium:
        ann = await chromium.person(f"{web.address}/c/same", X_Forwarded_User="ann")
        bob = await chromium.person(f"{web.address}/c/same", X_Forwarded_User="bob")
        await asyncio.gather(write(ann, "/weather city=Lisbon"), write(bob, "/weather city=Porto"))
        await expect(ann.locator(".answer")).to_contain_text("Lisbon")
        await expect(bob.locator(".answer")).to_contain_text("Porto")
        await expect(ann.locator("body")).not_to_contain_text("Porto")
        await expect(bob.locator("body")).not_to_contain_text("Lisbon")


@pytest.mark.proves("web.apart")
async def test_two_windows_of_one_person_show_the_same(tmp_path: Path) -> None:
    async with page_at(tmp_path, toolsets=Trip().tools) as (_, web), browser() as chromium:
        one = await chromium.person(f"{web.address}/c/same")
        other = await chromium.person(f"{web.address}/c/same")
        await write(one, "/weather city=Lisbon")
        for page in (one, other):
            await expect(page.locator(".answer")).to_contain_text("Lisbon")
            await expect(page.locator(".said")).to_have_count(1)


@pytest.mark.proves("web.escaped")
async def test_nothing_that_is_said_runs_in_the_browser(tmp_path: Path) -> None:
    owned = "document.title='owned'"
    nasty = f"<img src=x onerror={owned}> [x](javascript:{owned}) <script>{owned}</script>"

    @tool(read_only=True)
    def say_it(what: str) -> str:
        """Say it."""
        return what

    async with page_at(tmp_path, toolsets=[Functions([say_it])]) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        await write(page, f'/plan a: say_it(what="{nasty}")')
        await expect(page.locator(".answer")).to_contain_text("<img src=x")
        assert await page.locator("#said img, #said script, a[href^=javascript]").count() == 0
        assert "owned" not in (await page.title()).split("·")[-1]


@pytest.mark.proves("web.accessible")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_who_hear_the_page_or_see_little_find_everything(
    tmp_path: Path, pytestconfig: pytest.Config, scheme: Literal["light", "dark"]
) -> None:
    axe = (installed("axe", pytestconfig) / "axe-core" / "axe.min.js").read_text()
    trip = Trip()
    async with page_at(tmp_path, toolsets=trip.tools) as (_, web), browser() as chromium:
        page = await chromium.person(web.address, scheme=scheme)
        assert await problems(page, axe) == []
        await write(page, GRAPH)
        await trip.begun.wait()
        await expect(page.locator(".live .step.running").first).to_be_visible()
        assert await problems(page, axe) == []
        trip.go.set()
        await expect(page.locator(".answer")).to_have_count(1)
        await write(page, "/book city=Porto nights=2")
        await expect(page.locator(".question")).to_have_count(1)
        assert await problems(page, axe) == []
        await page.get_by_label("Search").fill("porto")
        await expect(page.locator("#list mark").first).to_be_visible()
        assert await problems(page, axe) == []
        tree = await page.locator("body").aria_snapshot()
        for landmark in ("navigation", "main", "search", "log"):
            assert landmark in tree


@pytest.mark.proves("web.accessible")
async def test_the_door_can_be_found_by_everybody(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    axe = (installed("axe", pytestconfig) / "axe-core" / "axe.min.js").read_text()
    token = "a-token-of-some-length"
    async with page_at(tmp_path, web_token=token) as (_, web), browser() as chromium:
        page = await chromium.person(web.address)
        assert await problems(page, axe) == []
        await pictured(page, "web_door")
        await page.get_by_label("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await page.get_by_label("Token").fill(token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What can I do for you?")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_visible()
