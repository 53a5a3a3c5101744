"""The console of the page: what admins see of everybody's turns, and the few things that they do, over real HTTP."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.web.channel import Web
from adapters.web.console.log import LogTail
from adapters.web.console.section import Section
from adapters.web.visitors import Visitors
from bot.app import App
from bot.logs import JsonLines
from orchestrator.messages import Person
from orchestrator.redaction import Redaction
from tests.conformance.platforms import MemoryShelf
from tests.conversations.console_talk import CHANGED, OTHER, PAGES, TIDES, TRIP, console_at, lived, says, worked
from tests.conversations.web_talk import PROXY
from tests.fakes.web_console import SameWords
from tests.fakes.web_record import MemoryRecord
from tests.fakes.web_visitor import LONGEST_WAIT, Fields, Visitor, text_of, visitor

HTML = {"Accept": "text/html"}
NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)></title></textarea>\u202e'


@asynccontextmanager
async def admin(folder: Path, **given: Any) -> AsyncIterator[tuple[App, Visitor]]:
    """Ann, who runs this Errand, at its page."""
    async with console_at(folder, **given) as (app, web), visitor(web.address) as ann:
        yield app, ann


async def seen(ann: Visitor, path: str) -> str:
    status, html, _ = await ann.get(path, **HTML)
    assert status == 200, html
    return html


class Elements(HTMLParser):
    """What a browser makes of a page: the names of elements and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def harmless(html: str) -> bool:
    """Whether a page has our own script and nothing else that runs, loads or looks like something else."""
    found = Elements(html)
    runs = [tag for tag in found.tags if tag in {"script", "img", "iframe", "object", "style", "base"}]
    return runs in ([], ["script"]) and not any(name.startswith("on") or name == "style" for name in found.attributes)


async def audited(app: App, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(row.person, json.loads(row.details)) for row in await app.store.audited(kinds=[kind])]


# --- what is looked at


@pytest.mark.proves("console.dossier")
async def test_a_dossier_shows_the_plan_as_a_graph_when_what_happened_and_what_each_step_has_to_show(
    tmp_path: Path,
) -> None:
    async with admin(tmp_path) as (app, ann):
        turn = await says(app, ann, TRIP)
        html = await seen(ann, f"/console/turns/{turn}")
        assert html.count('role="listitem" aria-label="forecast (Lisbon): done"') == 2, "one wide, one narrow"
        timeline = html.partition('<ol class="stretches">')[2].partition("</ol>")[0]
        assert [each in timeline for each in ("decided", "worked", "forecast (Porto)", "fares (Lisbon)")] == [True] * 4
        assert timeline.count("span-done") == 5
        text = text_of(html)
        for shown in ("Lisbon: from 89 €", '"city": "Porto"', "you wrote the plan yourself", "openai:gpt-4o-mini"):
            assert shown in text
        assert (await ann.get("/console/turns/t99", **HTML))[0] == 404
        assert (await ann.get("/console/turns/..%2fetc", **HTML))[0] == 404


@pytest.mark.proves("console.past")
async def test_conversations_and_turns_of_everybody_are_listed_page_by_page(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann):
        await lived(app.store)
        turn = await says(app, ann, "Hi there")
        overview = await seen(ann, "/console")
        assert overview.count('role="listitem"') == 14, "a bar for each day"
        assert "Hi there" in overview
        sessions = await seen(ann, "/console/sessions")
        assert re.findall(r'href="/console/turns\?session=([^"]+)"', sessions)[0] == "web%3Aann%2Ffirst"
        assert "slack:bob" in sessions
        (link,) = set(re.findall(r'href="(/console/turns\?session=slack%3Abob)"', sessions))
        bobs = await seen(ann, link)
        assert "Request 1.1" in bobs
        assert "Hi there" not in bobs
        first = await seen(ann, "/console/turns")
        assert f"/console/turns/{turn}" in first
        (older,) = re.findall(r'href="(/console/turns\?before=t\d+)"', first)
        second = await seen(ann, older)
        assert not set(rows(first)) & set(rows(second))
        assert len(rows(first)) == 50
        assert await seen(ann, f"/console/turns/{rows(second)[-1]}"), "also a turn of which little is known"


def rows(html: str) -> list[str]:
    return re.findall(r'href="/console/turns/(t\d+)"', html)


@pytest.mark.proves("console.workers")
async def test_workers_are_shown_with_what_they_have_done_and_how_long_it_took(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann):
        plan = await says(app, ann, TRIP)
        await worked(app.store, plan, count=20)
        html = await seen(ann, "/console/workers")
        strip = html.partition('class="strip"')[0].rpartition("<svg")[2] + html.partition('class="strip"')[2]
        assert (strip.count('class="good"'), strip.count('class="bad"')) == (16, 4)
        assert "16 of 20 (80%)" in html
        durations = text_of(html.partition("How long tools and workers take")[2])
        assert "@general" in durations
        assert "forecast" in durations


@pytest.mark.proves("console.budgets")
async def test_budgets_are_shown_with_how_far_they_are_and_what_was_spent_on_each_day(tmp_path: Path) -> None:
    async with admin(tmp_path, budgets="person day 10000 tokens") as (app, ann):
        await lived(app.store)
        await says(app, ann, "Hi there")
        html = await seen(ann, "/console/budgets")
        assert html.count('role="listitem"') == 14
        assert re.search(r'aria-label="21\.|aria-label="\d\d\.: openai:gpt-4o-mini \$0\.\d+', html)
        assert "960 of 10,000 tokens" in html
        (label,) = re.findall(r'aria-label="the budget of web:ann for today, [\d-]+: (\d+)%" class="meter"', html)
        assert label == "10"
        assert "slack:bob" in text_of(html)


@pytest.mark.proves("console.budgets", "console.roles")
async def test_the_budgets_of_roles_are_shown_for_each_person(tmp_path: Path) -> None:
    rules = '[roles.owner]\nbudgets = "person day 20000 tokens"\n[roles.member]\nbudgets = "person day 15000 tokens"\n'
    async with admin(tmp_path, policy=rules) as (app, ann):
        await says(app, ann, "Hi there")
        html = await seen(ann, "/console/budgets")
        assert "960 of 20,000 tokens" in html
        assert "of 15,000 tokens" not in html


@pytest.mark.proves("console.insights")
async def test_what_people_ask_for_in_vain_is_shown_with_how_often(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann):
        for words in ("Please order a pizza", "order me a pizza", "Order a pizza please"):
            await says(app, ann, words)
        text = text_of(await seen(ann, "/console/insights"))
        assert "3 ×" in text
        assert "order_pizza" in text


# --- what is done


async def unserved(app: App, ann: Visitor) -> str:
    return await says(app, ann, "Please be away")


@pytest.mark.proves("console.review", "console.audited")
async def test_an_admin_answers_what_nobody_could_serve_and_the_person_reads_it(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann), ann.looking("first") as look:
        turn = await unserved(app, ann)
        assert "Please be away" in await seen(ann, "/console/review")
        assert '<span class="count">1' in await seen(ann, "/console/log"), "each page says that something waits"
        fields = [("act", "answer"), ("words", "I am here now.")]
        status, told = await ann.post(f"/console/review/{turn}", fields)
        assert (status, told["told"]) == (200, f"Your answer to {turn} is on its way.")
        await look.sees("A person answers: I am here now.", "answer")
        assert "The review queue is empty." in await seen(ann, "/console/review")
        assert await audited(app, "review") == [("ann", {"did": "answer"})]


@pytest.mark.proves("console.review", "console.audited")
@pytest.mark.parametrize(
    ("act", "words", "told"),
    [
        ("retry", "", "I try again: {turn}."),
        ("edit", "Say hello", "I try {turn} again in your words."),
        ("claim", "", "{turn} is yours."),
        ("close", "", "{turn} is closed; nobody is told anything more."),
    ],
)
async def test_each_action_says_what_it_did_and_is_audited(tmp_path: Path, act: str, words: str, told: str) -> None:
    async with admin(tmp_path) as (app, ann):
        turn = await unserved(app, ann)
        status, answer = await ann.post(f"/console/review/{turn}", [("act", act), ("words", words)])
        await app.idle()
        assert (status, answer["told"]) == (200, told.format(turn=turn))
        assert [details["did"] for _, details in await audited(app, "review")] == [act]


@pytest.mark.proves("console.review")
async def test_what_cannot_be_done_is_told_with_the_reason_and_is_not_audited(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann):
        turn = await unserved(app, ann)
        for fields, status in (
            ([("act", "answer"), ("words", "  ")], 400),
            ([("act", "edit")], 400),
            ([("act", "delete")], 400),
            ([], 400),
        ):
            assert (await ann.post(f"/console/review/{turn}", fields))[0] == status
        assert (await ann.post("/console/review/t99", [("act", "close")]))[0] == 409
        assert (await ann.post("/console/review/x'--", [("act", "close")]))[0] == 400
        assert await audited(app, "review") == []
        assert (await ann.post(f"/console/review/{turn}", [("act", "close")]))[0] == 200
        status, told = await ann.post(f"/console/review/{turn}", [("act", "close")])
        assert (status, told["problem"]) == (409, f"{turn} is closed already.")
        assert len(await audited(app, "review")) == 1


@pytest.mark.proves("console.review", "web.without_script")
async def test_without_a_script_the_page_comes_back_and_says_once_what_was_done(tmp_path: Path) -> None:
    async with admin(tmp_path) as (app, ann):
        turn = await unserved(app, ann)
        back = await sent(ann, f"/console/review/{turn}", [("act", "answer"), ("words", "")])
        assert 'role="alert">Please write the words first.' in await seen(ann, back)
        back = await sent(ann, f"/console/review/{turn}", [("act", "close")])
        assert f'role="status">{turn} is closed' in await seen(ann, back)
        assert "is closed" not in await seen(ann, back), "a page that is loaded again tells nothing old"


async def sent(ann: Visitor, path: str, fields: Fields) -> str:
    """Where a browser is sent after it has sent a form."""
    form = aiohttp.FormData(fields)
    headers = {"Origin": ann.address, **HTML}
    async with ann.http.post(f"{ann.address}{path}", data=form, headers=headers, allow_redirects=False) as got:
        assert got.status == 303
        return got.headers["Location"]


@pytest.mark.proves("console.servers", "console.audited")
async def test_a_changed_tool_runs_once_an_admin_has_seen_the_difference_and_let_it_in(tmp_path: Path) -> None:
    async with admin(tmp_path, tides=[CHANGED, OTHER]) as (app, ann):
        html = await seen(ann, "/console/servers")
        assert "description: was &quot;The tides of a place.&quot;, is &quot;The tides of a place, and of" in html
        assert app.catalog.find("sea__tides") is None
        digests = re.findall(r'name="digest" value="(\w+)"', html)
        stale = [("server", "sea"), ("digest", "0" * 64)]
        assert (await ann.post("/console/servers/trust", stale))[0] == 409
        assert (await ann.post("/console/servers/trust", [("server", "sea")]))[0] == 409
        assert await audited(app, "trust") == []
        status, told = await ann.post("/console/servers/trust", [("server", "sea"), ("digest", digests[0])])
        assert (status, told["told"]) == (200, "tides of sea may run.")
        assert app.catalog.find("sea__tides") is not None
        assert app.catalog.find("sea__moon") is None, "nobody has let that one in"
        ((person, details),) = await audited(app, "trust")
        assert person
        assert details == {"server": "sea", "tools": ["tides"]}
        assert (await ann.post("/console/servers/trust", [("server", "sea"), ("digest", digests[0])]))[0] == 409
    async with admin(tmp_path, tides=[CHANGED, OTHER]) as (app, _):
        assert app.catalog.find("sea__moon") is None


@pytest.mark.proves("console.servers")
async def test_letting_one_tool_in_leaves_the_others_as_they_were_known(tmp_path: Path) -> None:
    async with admin(tmp_path, tides=[CHANGED, OTHER]) as (app, ann):
        html = await seen(ann, "/console/servers")
        moon = re.findall(r'name="digest" value="(\w+)"', html)[1]
        assert (await ann.post("/console/servers/trust", [("server", "sea"), ("digest", moon)]))[0] == 200
        html = await seen(ann, "/console/servers")
        assert "it has changed" in html
        assert "was &quot;The tides of a place.&quot;" in html
        assert {pin.tool for pin in await app.store.pinned("sea")} == {"tides", "moon"}
        assert app.catalog.find("sea__tides") is None


# --- what nobody is told

SECRET = "sk-live-4f9a8b7c6d5e4f3a2b1c"


@pytest.mark.proves("console.secrets")
async def test_no_secret_is_shown_on_any_page(tmp_path: Path) -> None:
    given = {
        "openai_api_key": SECRET,
        "telegram_webhook_secret": "hush-hush-19",
        "addresses": {"mine": "http://u:pw9pw9@x"},
    }
    async with admin(tmp_path, **given) as (app, ann):
        await says(app, ann, f"/forecast city={SECRET}")
        await says(app, ann, "Please be away, password: hunter22")
        logging.getLogger("bot.test").warning("key is %s", SECRET, extra={"reason": f"Bearer {SECRET}"})
        pages = {path: await seen(ann, path) for path in (*PAGES, "/console/turns/t2")}
        for html in pages.values():
            for secret in (SECRET, "hush-hush-19", "pw9pw9"):
                assert secret not in html
        assert "hunter22" not in pages["/console/review"] + pages["/console/turns"]
        settings = pages["/console/settings"]
        assert re.search(r'openai_api_key</dt><dd><span class="badge good">set', settings)
        assert re.search(r'web_token</dt><dd><span class="badge plain">not set', settings)
        assert "<input" not in settings


@pytest.mark.proves("console.settings")
async def test_settings_are_shown_with_what_they_are_and_which_are_set_here(tmp_path: Path) -> None:
    async with admin(tmp_path, steps_at_once=7) as (_, ann):
        html = await seen(ann, "/console/settings")
        here, default = html.partition("Set here")[2].split("As they are by default")
        assert re.search(r'steps_at_once</dt><dd><span class="code">7</span>', here)
        assert "Steps of one plan that may run side by side." in here
        assert "plan_steps" in default


# --- the metrics


@pytest.mark.proves("console.metrics")
async def test_prometheus_is_given_the_metrics_where_the_page_is(tmp_path: Path) -> None:
    token = {"Authorization": "Bearer a-token-of-some-length"}
    counted: dict[str, Any] = {"metrics": True, "metrics_listen": "127.0.0.1:0"}
    async with (
        console_at(tmp_path, web_token="a-token-of-some-length", **counted) as (app, web),
        visitor(web.address) as nobody,
        visitor(web.address, **token) as ann,
    ):
        await says(app, ann, "Hi there")
        assert 'errand_turns_total{channel="web",outcome="direct"} 1.0' in await seen(ann, "/metrics")
        assert (await nobody.get("/metrics"))[0] == 401
    async with (
        console_at(tmp_path, **counted, **PROXY) as (_, web),
        visitor(web.address, X_Forwarded_User="mia") as mia,
    ):
        assert (await mia.get("/metrics"))[0] == 403
    async with admin(tmp_path) as (_, ann):
        assert (await ann.get("/metrics"))[0] == 404


# --- the log


async def lines_of(ann: Visitor, path: str, *, until: str, **headers: str) -> str:
    """What the stream of the log brings, up to some words."""
    came = ""
    async with asyncio.timeout(LONGEST_WAIT), ann.http.get(f"{ann.address}{path}", headers=headers) as stream:
        assert stream.status == 200
        async for line in stream.content:
            came += line.decode()
            if until in came:
                return came
    raise AssertionError(f"the stream has ended: {came}")


@pytest.mark.proves("console.log")
async def test_the_log_goes_on_while_somebody_looks_with_the_turn_and_without_secrets(tmp_path: Path) -> None:
    async with admin(tmp_path, openai_api_key=SECRET) as (app, ann):
        following = asyncio.ensure_future(lines_of(ann, "/console/log/events", until="the last word"))
        turn = await says(app, ann, "Hi there")
        logging.getLogger("bot.test").warning("nearly the last, with %s", SECRET)
        await asyncio.to_thread(logging.getLogger("bot.test").error, "the last word")
        came = await following
        assert f"/console/turns/{turn}" in came
        assert "turn ended" in came
        assert "nearly the last, with [secret]" in came
        assert SECRET not in came
        only = await lines_of(ann, "/console/log/events?level=ERROR", until="the last word")
        assert "turn ended" not in only
        assert "turn ended" in await seen(ann, "/console/log"), "without a script it is there too"
        assert logging.getLogger("bot").getEffectiveLevel() == logging.INFO
    assert logging.getLogger("bot").level == logging.NOTSET, "the loggers are as they were"


@pytest.mark.proves("console.log")
async def test_the_log_keeps_the_newest_lines_and_survives_what_cannot_be_written() -> None:
    tail = LogTail(Redaction([SECRET]).value)
    tail.setFormatter(JsonLines())
    tail.handleError = lambda record: None  # type: ignore[method-assign]
    with tail.listening(["bot"]):
        log = logging.getLogger("bot.test")
        for number in range(600):
            log.info("line %d", number)
        tail.emit(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    kept = tail.lines("INFO")
    assert (len(kept), kept[0].message, kept[-1].message) == (500, "line 100", "line 599")
    assert tail.lines("WARNING") == []


# --- who may look

ACTIONS: Sequence[tuple[str, Fields]] = (
    ("/console/review/t1", [("act", "close")]),
    ("/console/servers/trust", [("server", "sea")]),
)
BY_NAME = """
[people]
"web:olga" = "owner"
"web:adam" = "admin"
"web:mia" = "member"
"web:gus" = "guest"
"web:nick" = "nobody"
"""


@pytest.mark.proves("console.roles")
@pytest.mark.parametrize("name", ["olga", "adam"])
async def test_owners_and_admins_may_open_every_page_and_act(tmp_path: Path, name: str) -> None:
    async with (
        console_at(tmp_path, policy=BY_NAME, tides=[CHANGED], **PROXY) as (app, web),
        visitor(web.address, X_Forwarded_User=name) as them,
        visitor(web.address, X_Forwarded_User="mia") as mia,
    ):
        assert await unserved(app, mia) == "t1"
        for path in PAGES:
            await seen(them, path)
        assert await lines_of(them, "/console/log/events", until="turn ended", **{PROXY["web_proxy_header"]: name})
        assert 'href="/console"' in await seen(them, "/")
        digests = re.findall(r'name="digest" value="(\w+)"', await seen(them, "/console/servers"))
        assert (await them.post(*ACTIONS[0]))[0] == 200
        assert (await them.post(ACTIONS[1][0], [*ACTIONS[1][1], ("digest", digests[0])]))[0] == 200
        assert await audited(app, "review") == [(name, {"did": "close"})]
        assert await audited(app, "trust") == [(name, {"server": "sea", "tools": ["tides"]})]
        assert await audited(app, "refusal") == []


@pytest.mark.proves("console.roles", "console.audited")
@pytest.mark.parametrize(("name", "role"), [("mia", "member"), ("gus", "guest"), ("nick", ""), ("eve", "member")])
async def test_others_open_no_page_do_nothing_and_are_told_what_is_missing(
    tmp_path: Path, name: str, role: str
) -> None:
    missing = f"This is for admins and owners; you are {role} here. Ask olga, web:adam."
    told = missing if role else "You may not talk to me here. Ask the one who runs me."
    async with (
        console_at(tmp_path, policy=BY_NAME, tides=[CHANGED], **PROXY) as (app, web),
        visitor(web.address, X_Forwarded_User="olga") as olga,
        visitor(web.address, X_Forwarded_User=name) as them,
    ):
        assert await unserved(app, olga) == "t1"
        for path in (*PAGES, "/console/log/events"):
            status, html, _ = await them.get(path, **HTML)
            assert (status, told in html, "be away" in html) == (403, True, False), path
        for path, fields in ACTIONS:
            assert await them.post(path, fields) == (403, {"problem": told})
        assert "/console" not in await seen(them, "/"), "nothing leads there"
        assert len(await app.cases.open()) == 1
        assert await audited(app, "review") == await audited(app, "trust") == []
        refused = await audited(app, "refusal")
        assert {person for person, _ in refused} == {name}
        assert refused[-1][1] == {"why": "console", "part": "trust"}
        assert len(refused) == len(PAGES) + 1 + len(ACTIONS)


@pytest.mark.proves("console.roles")
async def test_the_policy_file_gives_single_parts_to_others_and_keeps_some_for_owners(tmp_path: Path) -> None:
    rules = '[roles.member]\ncommands = ["review"]\n[roles.owner]\ncommands = ["console trust", "usage all"]\n'
    async with (
        console_at(tmp_path, policy=BY_NAME + rules, tides=[CHANGED], **PROXY) as (_, web),
        visitor(web.address, X_Forwarded_User="mia") as mia,
        visitor(web.address, X_Forwarded_User="adam") as adam,
    ):
        assert 'href="/console/review">Console' in await seen(mia, "/"), "the first page that is hers"
        assert ways(await seen(mia, "/console/review")) == ["/console/review"]
        assert (await mia.get("/console", **HTML))[0] == 403
        overview = await seen(adam, "/console")
        assert "/console/budgets" not in ways(overview)
        assert "spent today" not in overview
        status, html, _ = await adam.get("/console/budgets", **HTML)
        assert (status, "This is for owners; you are admin here." in html) == (403, True)
        tools = await seen(adam, "/console/servers")
        assert "it has changed" in tools
        assert "<form" not in tools
        assert (await adam.post(*ACTIONS[1]))[0] == 403


def ways(html: str) -> list[str]:
    """Where the list of pages leads."""
    return re.findall(r'<li><a href="([^"]+)"', html.partition("<nav")[2].partition("</nav>")[0])


@pytest.mark.proves("console.roles")
async def test_a_role_counts_from_the_moment_in_which_it_is_given(tmp_path: Path) -> None:
    async with (
        console_at(tmp_path, policy='[people]\n"web:olga" = "owner"\n', **PROXY) as (app, web),
        visitor(web.address, X_Forwarded_User="olga") as olga,
        visitor(web.address, X_Forwarded_User="mia") as mia,
    ):
        assert (await mia.get("/console", **HTML))[0] == 403
        await says(app, olga, "/people set web:mia admin")
        await seen(mia, "/console")
        await says(app, olga, "/people remove web:mia")
        assert (await mia.get("/console", **HTML))[0] == 403


@pytest.mark.proves("console.roles")
async def test_a_name_that_a_proxy_brings_makes_nobody_the_owner(tmp_path: Path) -> None:
    given = {**PROXY, "person": "root", "web_token": "a-token-of-some-length"}
    async with console_at(tmp_path, **given) as (_, web):
        for name in ("root", "ROOT", "web:root", "local"):
            async with visitor(web.address, X_Forwarded_User=name) as stranger:
                assert (await stranger.get("/console", **HTML))[0] == 403
    async with (
        console_at(tmp_path, person="root", web_token="a-token-of-some-length") as (_, web),
        visitor(web.address, Authorization="Bearer a-token-of-some-length") as owner,
    ):
        await seen(owner, "/console")


@pytest.mark.proves("console.roles", "console.review")
async def test_reviewers_are_bound_by_the_claims_of_others(tmp_path: Path) -> None:
    async with (
        console_at(tmp_path, policy=BY_NAME, **PROXY) as (app, web),
        visitor(web.address, X_Forwarded_User="adam") as adam,
        visitor(web.address, X_Forwarded_User="olga") as olga,
    ):
        turn = await unserved(app, adam)
        assert (await adam.post(f"/console/review/{turn}", [("act", "claim")]))[0] == 200
        status, told = await olga.post(f"/console/review/{turn}", [("act", "close")])
        assert (status, told["problem"].startswith("web:adam has claimed")) == (409, True)
        assert (await adam.post(f"/console/review/{turn}", [("act", "close")]))[0] == 200
        assert await audited(app, "review") == [("adam", {"did": "claim"}), ("adam", {"did": "close"})]


@pytest.mark.proves("console.roles", "web.origin")
@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
@pytest.mark.parametrize(("path", "fields"), ACTIONS)
async def test_another_site_cannot_act_here(tmp_path: Path, origin: str, path: str, fields: Fields) -> None:
    async with admin(tmp_path) as (app, ann):
        await unserved(app, ann)
        assert (await ann.post(path, fields, Origin=origin))[0] == 403
        assert len(await app.cases.open()) == 1


# --- what is shown is never markup


@asynccontextmanager
async def same_words(words: str) -> AsyncIterator[tuple[str, LogTail]]:
    """The address of a console that shows these words everywhere, and its log."""
    tail = LogTail(Redaction().value)
    tail.setFormatter(JsonLines())
    record = MemoryRecord()
    section = Section(SameWords(words), record, tail)
    own = Visitors(Person(id=words, name=words))
    async with Web(record, MemoryShelf(), own, sections=section.routes(), links=section.links) as web:
        with tail.listening(["bot"]):
            logging.getLogger("bot.test").error(words, extra={words: words, "turn": words, "reason": words})
            yield web.address, tail


@pytest.mark.proves("console.escaped", "web.headers")
async def test_no_field_of_any_page_can_break_out_of_its_place() -> None:
    async with same_words(NASTY) as (address, _), visitor(address) as ann:
        for path in (*PAGES, "/", "/console/turns?session=" + "%22%3E%3Cscript%3E"):
            status, html, headers = await ann.get(path, **HTML)
            assert status == 200
            assert harmless(html), path
            assert "\u202e" not in html
            assert "unsafe" not in headers["Content-Security-Policy"]
        back = await sent(ann, "/console/review/t1", [("act", "close")])
        assert harmless(await seen(ann, back))
        came = await lines_of(ann, "/console/log/events", until="</div>")
        assert harmless(came)


@pytest.mark.proves("console.escaped")
@pytest.mark.parametrize("path", PAGES)
async def test_long_words_and_none_are_shown_too(path: str) -> None:
    for words in ("", "w" * 30_000):
        async with same_words(words) as (address, _), visitor(address) as ann:
            await seen(ann, path)


@pytest.mark.proves("console.past")
async def test_a_console_without_a_past_says_what_will_be_there(tmp_path: Path) -> None:
    expected: Sequence[tuple[str, str]] = (
        ("/console/sessions", "Nobody has talked to me yet."),
        ("/console/turns", "There is no turn yet."),
        ("/console/review", "The review queue is empty."),
        ("/console/insights", "Nobody has asked for anything in vain."),
        ("/console/budgets", "No budget has been used yet."),
        ("/console/workers", "No work yet."),
    )
    async with admin(tmp_path, tides=[TIDES]) as (_, ann):
        await seen(ann, "/console")
        for path, words in expected:
            assert words in await seen(ann, path)
        assert "Let" not in text_of(await seen(ann, "/console/servers"))
