"""Tricks against the web page, each of which must fail safely: other sites, other names, other people, other shapes."""

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from adapters.web import reading, server
from adapters.web.markdown import render
from bot.on_web import visitors_of
from bot.settings import Settings, read_settings
from orchestrator.errors import SettingsInvalid
from orchestrator.tools.functions import Functions, tool
from tests.conversations.web_talk import PROXY, at_the_page, page_at
from tests.fakes.web_visitor import visitor

TOKEN = "a-token-of-some-length"
OURS = "127.0.0.1"


async def asked(address: str, *lines: str, body: str = "") -> tuple[int, str]:
    """A request, letter by letter: the status and all that came."""
    reader, writer = await asyncio.open_connection(OURS, int(address.rpartition(":")[2]))
    writer.write(("\r\n".join([*lines, "Connection: close", "", ""]) + body).encode("latin-1"))
    async with asyncio.timeout(5):
        came = (await reader.read()).decode("utf-8", "replace")
    writer.close()
    return int(came.split(" ")[1]) if came else 0, came


def form(path: str, *headers: str, host: str, body: str = "text=stolen") -> Sequence[str]:
    kind = "Content-Type: application/x-www-form-urlencoded"
    return (f"POST {path} HTTP/1.1", f"Host: {host}", kind, f"Content-Length: {len(body)}", *headers)


# --- who it is for: DNS rebinding


@pytest.mark.proves("web.host")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "0.0.0.0"],
)
async def test_a_name_that_is_not_ours_leads_nowhere(tmp_path: Path, host: str) -> None:
    async with at_the_page(tmp_path) as ann:
        port = ann.address.rpartition(":")[2]
        for path in ("/", "/static/page.js", "/healthz", "/c/first/events"):
            status, came = await asked(ann.address, f"GET {path} HTTP/1.1", f"Host: {host.format(port=port)}")
            assert status in {400, 421}
            assert "Errand</title>" not in came


@pytest.mark.proves("web.host")
async def test_names_of_the_settings_are_ours_and_an_unknown_one_is_told_with_the_fix(tmp_path: Path) -> None:
    async with at_the_page(tmp_path, web_names="Errand.example, other.example") as ann:
        assert (await asked(ann.address, "GET / HTTP/1.1", "Host: errand.example:8443"))[0] == 200
        status, came = await asked(ann.address, "GET / HTTP/1.1", "Host: new.example")
        assert status == 421
        assert "web_names" in came


# --- where it comes from: CSRF

ELSEWHERE = (
    "Origin: http://evil.example",
    "Origin: null",
    "Origin: https://127.0.0.1.evil.example",
    "Origin: http://127.0.0.1",
    "Origin: http://127.0.0.1:1",
    "Origin: http://[",
    "Origin: file://",
    "Origin:",
    "X-Nothing: an origin is missing",
)


@pytest.mark.proves("web.origin")
@pytest.mark.parametrize("header", ELSEWHERE)
@pytest.mark.parametrize("path", ["/c/first/messages", "/c/first/answers", "/c/first/stop", "/files?name=x"])
async def test_a_form_of_another_site_is_not_taken(tmp_path: Path, header: str, path: str) -> None:
    async with page_at(tmp_path) as (app, web):
        host = web.address.removeprefix("http://")
        status, _ = await asked(web.address, *form(path, header, host=host), body="text=stolen")
        assert status == 403
        assert await app.store.sessions() == []


@pytest.mark.proves("web.origin")
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""])
async def test_only_forms_are_taken(tmp_path: Path, kind: str) -> None:
    async with at_the_page(tmp_path) as ann:
        headers = {"Origin": ann.address, "Content-Type": kind or "x/y"}
        async with ann.http.post(f"{ann.address}/c/first/messages", data=b"text=x", headers=headers) as got:
            assert got.status == 415


@pytest.mark.proves("web.origin")
async def test_another_site_cannot_embed_what_is_here(tmp_path: Path) -> None:
    async with at_the_page(tmp_path) as ann:
        for path in ("/c/first/events", "/conversations", "/static/page.js"):
            status, _, _ = await ann.get(path, Origin="http://evil.example")
            assert status == 403
        embeds = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        async with ann.http.get(f"{ann.address}/conversations", headers=embeds) as got:
            assert got.status == 403
        follows = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        async with ann.http.get(f"{ann.address}/", headers=follows) as got:
            assert got.status == 200, "a link to the page may be followed"
            assert "Access-Control-Allow-Origin" not in got.headers


@pytest.mark.proves("web.headers")
async def test_everything_goes_out_with_headers_that_keep_it_in_its_place(tmp_path: Path) -> None:
    async with at_the_page(tmp_path) as ann:
        for path in ("/", "/c/first", "/static/page.css", "/search?q=x", "/files/t1.0/0", "/c/UPPER", "/nowhere"):
            _, text, headers = await ann.get(path, Accept="text/html")
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|javascript:", text) or path.startswith(
                "/static"
            )


# --- what may be said: XSS

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x)",
    "[a](tg://user?id=1)",
    "[a](file:///etc/passwd)",
    "![a](http://evil.example/?secret)",
    '[a](https://x.example/"onmouseover="alert(1))',
    "<javascript:alert(1)>",
    "`<b>code</b>`",
    '```html"><script>\n<script>alert(1)</script>\n```',
    "| <i>a</i> |\n|---|\n| <img src=x> |",
    "# <script>",
    "> <iframe src=http://evil.example>",
    "- [x] <a href=x>",
    "&lt;script&gt;",
    "[<img src=x>](http://x.example)",
    "</div></article><script>alert(1)</script>",
    "\u202e<script>\u202c",
    "<a href='https://x.example' onclick='alert(1)'>x</a>",
    "[a]: javascript:alert(1)\n\n[a]",
)
ALLOWED = {"p", "br", "hr", "a", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "table", "thead"}
ALLOWED |= {"tbody", "tr", "th", "td", "h3", "h4", "h5", "h6", "div"}
ATTRIBUTES = {"href", "rel", "target", "class", "start", "tabindex"}


def tags_of(html: str) -> list[tuple[str, list[str]]]:
    tags = re.findall(r"<(\w+)((?:\s[\w-]+(?:=\"[^\"]*\")?)*)\s*>", html)
    assert len(tags) == len(re.findall(r"<\w", html)), f"nothing else begins as a tag: {html}"
    return [(name, re.findall(r"\s([\w-]+)(?:=\"[^\"]*\")?", given)) for name, given in tags]


@pytest.mark.proves("web.escaped")
@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_becomes_nothing_but_safe_elements(attack: str) -> None:
    html = render(attack)
    for name, attributes in tags_of(html):
        assert name in ALLOWED
        assert set(attributes) <= ATTRIBUTES
    for address in re.findall(r'href="([^"]*)"', html):
        assert address.startswith(("http://", "https://", "mailto:"))
    assert html.count("<a ") == html.count('rel="noopener noreferrer nofollow"')
    assert "<img" not in html


@pytest.mark.proves("web.escaped")
async def test_what_people_tools_and_plans_say_is_never_markup(tmp_path: Path) -> None:
    nasty = '"><script>alert(1)</script><img src=x onerror=alert(2)>'

    @tool(read_only=True)
    def say_it(what: str) -> str:
        """Say it."""
        return what

    async with at_the_page(tmp_path, toolsets=[Functions([say_it])]) as ann, ann.looking("first") as look:
        plan = json.dumps({"steps": [{"id": "a", "tool": "say_it", "arguments": {"what": nasty}, "title": nasty}]})
        await ann.says(look, f"/plan {plan}")
        await look.until(lambda each: bool(each.texts("answer")))
        await ann.says(look, f"hello {nasty}")
        await look.until(lambda each: len(each.items) >= 4)
        _, page, _ = await ann.get("/c/first", Accept="text/html")
        _, hits, _ = await ann.get(f"/search?q={'alert'}", Accept="text/html")
        for shown in (*look.raw, page, hits):
            assert "<script>alert" not in shown
            assert "<img" not in shown


# --- who somebody is


@pytest.mark.proves("web.token")
async def test_with_a_token_nothing_is_seen_before_signing_in(tmp_path: Path) -> None:
    async with page_at(tmp_path, web_token=TOKEN) as (_, web), visitor(web.address) as ann:
        for path in ("/", "/c/first", "/conversations", "/search?q=x", "/c/first/events", "/files/t1.0/0"):
            assert (await ann.get(path))[0] == 401
        status, _, headers = await ann.get("/c/first", Accept="text/html")
        assert (status, headers["Location"]) == (303, "/login?next=/c/first")
        assert (await ann.says("first", "Hello"))[0] == 401
        status, _ = await ann.post("/login", [("token", "wrong"), ("next", "/")])
        assert status == 403
        assert not list(ann.http.cookie_jar)
        headers = {"Origin": ann.address}
        fields = {"token": TOKEN, "next": "/c/first"}
        async with ann.http.post(f"{ann.address}/login", data=fields, headers=headers, allow_redirects=False) as got:
            assert (got.status, got.headers["Location"]) == (303, "/c/first")
            cookie = got.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert (await ann.get("/"))[0] == 200
        await ann.post("/logout", [])
        assert (await ann.get("/"))[0] == 401


@pytest.mark.proves("web.token")
async def test_a_sign_in_holds_over_a_restart_but_not_over_a_new_token(tmp_path: Path) -> None:
    statuses = []
    cookies: dict[str, str] = {}
    for token in (TOKEN, TOKEN, f"{TOKEN}-new"):
        async with page_at(tmp_path, web_token=token) as (_, web), visitor(web.address) as ann:
            if not cookies:
                await ann.post("/login", [("token", TOKEN)])
                cookies = {each.key: each.value for each in ann.http.cookie_jar}
            ann.http.cookie_jar.update_cookies(cookies)
            statuses.append((await ann.get("/"))[0])
    assert statuses == [200, 200, 401]


@pytest.mark.proves("web.token")
@pytest.mark.parametrize(
    "cookie", ["1", "9999999999.", "9999999999.00", ".", "x.y", "9999999999.é", "-1." + "0" * 64, "٣." + "0" * 64]
)
async def test_a_made_up_cookie_is_nobody(tmp_path: Path, cookie: str) -> None:
    async with page_at(tmp_path, web_token=TOKEN) as (_, web), visitor(web.address) as ann:
        assert (await ann.get("/", Cookie=f"errand={cookie}"))[0] == 401


@pytest.mark.proves("web.token")
@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\r\nX: y"]
)
async def test_signing_in_leads_nowhere_else(tmp_path: Path, place: str) -> None:
    async with page_at(tmp_path, web_token=TOKEN) as (_, web), visitor(web.address) as ann:
        fields = {"token": TOKEN, "next": place}
        headers = {"Origin": ann.address}
        async with ann.http.post(f"{ann.address}/login", data=fields, headers=headers, allow_redirects=False) as got:
            assert got.headers["Location"] == "/"


@pytest.mark.proves("web.token")
async def test_a_program_may_bring_the_token_in_a_header_and_needs_no_origin(tmp_path: Path) -> None:
    async with page_at(tmp_path, web_token=TOKEN) as (_, web):
        host = web.address.removeprefix("http://")
        lines = form("/c/first/messages", f"Authorization: Bearer {TOKEN}", host=host, body="text=/help")
        assert (await asked(web.address, *lines, body="text=/help"))[0] == 303
        lines = form("/c/first/messages", "Authorization: Bearer wrong", host=host)
        assert (await asked(web.address, *lines, body="text=stolen"))[0] == 403


@pytest.mark.proves("web.proxy")
async def test_a_proxys_word_counts_from_its_own_address_alone(tmp_path: Path) -> None:
    elsewhere: dict[str, Any] = {**PROXY, "web_trusted_proxies": "10.0.0.2"}
    async with page_at(tmp_path, **elsewhere) as (_, web), visitor(web.address, X_Forwarded_User="ann") as ann:
        assert (await ann.get("/"))[0] == 403
        assert (await ann.says("first", "Hello"))[0] == 403
    async with page_at(tmp_path, **PROXY) as (_, web):
        for name in ("", "   ", "x" * 201):
            async with visitor(web.address, X_Forwarded_User=name) as ann:
                assert (await ann.get("/"))[0] == 403
        async with visitor(web.address, X_Forwarded_User="ann", X_Forwarded_For="10.9.9.9") as ann:
            assert (await ann.get("/"))[0] == 200


@pytest.mark.proves("web.listens")
@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"web_host": "0.0.0.0"}, "web_token"),
        ({"web_host": "192.0.2.7"}, "web_host=127.0.0.1"),
        ({"web_host": "::"}, "web_proxy_header"),
        ({"web_token": "short"}, "16 characters"),
        ({"web_proxy_header": "X-User"}, "web_trusted_proxies"),
        ({"web_proxy_header": "X-User", "web_trusted_proxies": "nonsense"}, "write addresses such as"),
    ],
)
def test_what_would_let_everybody_in_is_refused_with_the_fix(settings: dict[str, Any], fix: str) -> None:
    with pytest.raises(SettingsInvalid, match=re.escape(fix)):
        visitors_of(read_settings(**settings))


@pytest.mark.proves("web.listens")
def test_with_a_token_or_a_proxy_it_may_listen_elsewhere() -> None:
    assert visitors_of(read_settings(web_host="0.0.0.0", web_token=TOKEN)).token == TOKEN
    assert visitors_of(read_settings(web_host="0.0.0.0", **PROXY)).header == "X-Forwarded-User"
    assert TOKEN not in repr(read_settings(web_token=TOKEN))
    assert isinstance(read_settings(), Settings)


# --- paths and shapes


@pytest.mark.proves("web.paths")
@pytest.mark.parametrize(
    "path",
    [
        "/static/../channel.py",
        "/static/%2e%2e/channel.py",
        "/static/..%2fchannel.py",
        "/static/%2fetc%2fpasswd",
        "/static/page.js%00.css",
        "/static/",
        "/files/../../etc/passwd/0",
        "/files/t1.0/-1",
        "/files/t1.0/99999999999999999999",
        "/files/%00/0",
        "/c/..",
        "/c/../../etc",
        "/c/first%00",
        "/c/UPPER",
        "/c/" + "a" * 300,
        "/c/first/events/extra",
        "//evil.example/",
        "/c/first?since=" + "9" * 500,
        "/c/first/earlier?before=t1%27%20OR%201=1",
        "/search?q=" + "%22" * 5000,
    ],
)
async def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    async with at_the_page(tmp_path) as ann:
        status, came = await asked(ann.address, f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json")
        assert status in {200, 303, 400, 404, 405}
        assert "root:" not in came
        assert "class Web" not in came


@pytest.mark.proves("web.shapes")
@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/c/first/messages", [("event", "short"), ("text", "x")], 400),
        ("/c/first/messages", [("event", "../../../../x"), ("text", "x")], 400),
        ("/c/first/messages", [("file", str(n)) for n in range(11)], 400),
        ("/c/first/messages", [(f"f{n}", "x") for n in range(101)], 400),
        ("/c/first/answers", [], 400),
        ("/c/first/answers", [("question", "q"), ("field.x", "  ")], 400),
        ("/c/first/feedback", [("turn", "t1' OR 1=1"), ("rating", "good")], 400),
        ("/c/first/messages", [("text", "x" * 1_000_001)], 413),
        ("/c/BAD/messages", [("text", "x")], 404),
    ],
)
async def test_odd_forms_are_refused(tmp_path: Path, path: str, fields: list[tuple[str, str]], status: int) -> None:
    async with page_at(tmp_path) as (app, web), visitor(web.address) as ann:
        assert (await ann.post(path, fields))[0] == status
        assert await app.store.sessions() == []


@pytest.mark.proves("web.shapes")
@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b", "\x1b[2J", "\u202eabc"])
async def test_text_that_cannot_be_stored_or_shown_is_repaired(tmp_path: Path, text: str) -> None:
    async with at_the_page(tmp_path) as ann, ann.looking("first") as look:
        body = b"text=" + b"".join(b"%%%02X" % byte for byte in text.encode("utf-8", "surrogatepass"))
        headers = {"Origin": ann.address, "Content-Type": "application/x-www-form-urlencoded"}
        async with ann.http.post(
            f"{ann.address}/c/first/messages", data=body, headers=headers, allow_redirects=False
        ) as got:
            assert got.status in {303, 400}
        assert (await ann.says(look, "/help"))[0] == 200
        await look.until(lambda each: bool(each.texts("notice")))
        assert not re.search(r"[\x00-\x08\x1b\u202e]", "".join(look.raw))


@pytest.mark.proves("web.slow")
async def test_who_sends_nothing_or_too_slowly_is_sent_away(tmp_path: Path) -> None:
    with patch.object(server, "REQUEST_SECONDS", 0.2), patch.object(reading, "FORM_SECONDS", 0.2):
        async with at_the_page(tmp_path) as ann:
            port = int(ann.address.rpartition(":")[2])
            head = "\r\n".join(
                form("/c/first/messages", f"Origin: {ann.address}", host=f"{OURS}:{port}", body="x" * 50)
            )
            for begun, status in (("", ""), ("GET / HTTP/1.1\r\nHos", ""), (f"{head}\r\n\r\ntext=", "408")):
                reader, writer = await asyncio.open_connection(OURS, port)
                writer.write(begun.encode())
                async with asyncio.timeout(5):
                    came = b""
                    while status not in came.decode() or not came:
                        more = await reader.read(1000)
                        came += more
                        if not more:
                            break
                assert status in came.decode()
                writer.close()
            assert (await ann.get("/"))[0] == 200, "the others were not held up"


@pytest.mark.proves("web.slow")
async def test_a_page_that_does_not_read_holds_nobody_up_and_is_sent_away(tmp_path: Path) -> None:
    @tool(read_only=True)
    def long(count: int) -> str:
        """Say much."""
        return "word " * count

    async with at_the_page(tmp_path, toolsets=[Functions([long])]) as ann, ann.looking("first") as look:
        lazy = socket.create_connection((OURS, int(ann.address.rpartition(":")[2])))
        lazy.sendall(f"GET /c/first/events HTTP/1.1\r\nHost: {OURS}\r\n\r\n".encode())
        for number in range(5):
            await ann.says(look, f"/long count={20_000 + number}")
        await look.until(lambda each: len(each.texts("answer")) == 5)
        lazy.close()
