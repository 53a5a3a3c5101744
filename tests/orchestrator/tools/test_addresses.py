"""Addresses in calls: private ones, those that nobody has named, and what a server's promises are worth."""

from typing import Any

import pytest
from mcp_types import Tool

from orchestrator.errors import ToolError
from orchestrator.tools.addresses import refuse_private, unnamed
from orchestrator.tools.hidden import clean, visible
from orchestrator.tools.mcp_shapes import offer
from orchestrator.tools.spec import ToolSpec

FETCH = ToolSpec("web__fetch", "Fetch.", {"type": "object"}, "mcp:web", read_only=True, open_world=True)


@pytest.mark.proves("trust.addresses")
@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "http://127.0.0.1/"},
        {"url": "http://localhost:8080/admin"},
        {"url": "http://169.254.169.254/latest/meta-data/"},
        {"url": "http://10.1.2.3"},
        {"url": "http://192.168.0.1:80/"},
        {"url": "http://[::1]/"},
        {"url": "http://[::ffff:127.0.0.1]/"},
        {"url": "http://[fd00::1]/"},
        {"url": "http://2130706433/"},
        {"url": "http://0x7f.1/"},
        {"url": "http://0/"},
        {"url": "http://user@127.0.0.1/"},
        {"url": "http://printer.local/"},
        {"url": "http://metadata.google.internal/"},
        {"url": "file:///etc/passwd"},
        {"url": "127.0.0.1:9200"},
        {"host": "localhost"},
        {"anything": "ws://127.0.0.1/"},
        {"requests": [{"to": "http://127.0.0.1"}]},
    ],
    ids=lambda arguments: str(next(iter(arguments.values()))),
)
async def test_an_address_in_a_private_network_is_refused_with_the_fix(arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match='"allow_private": true'):
        await refuse_private(FETCH, arguments, server="web")


@pytest.mark.proves("trust.addresses")
@pytest.mark.parametrize(
    "arguments",
    [{"url": "http://8.8.8.8/"}, {"url": "http://no-such-name.invalid/"}, {"text": "my notes on http://localhost"}, {}],
    ids=str,
)
async def test_other_words_pass(arguments: dict[str, Any]) -> None:
    await refuse_private(FETCH, arguments, server="web")


@pytest.mark.proves("trust.addresses")
def test_an_address_is_named_where_it_stands_word_for_word() -> None:
    page = "https://shop.example/tea"
    assert unnamed(FETCH, {"url": page}, f"Look at {page}, please") == ""
    assert unnamed(FETCH, {"url": f"{page}?d=1"}, f"Look at {page}, please") == f"{page}?d=1"
    closed = ToolSpec("web__fetch", "Fetch.", {"type": "object"}, "functions", read_only=True)
    assert unnamed(closed, {"url": f"{page}?d=1"}, "") == ""


@pytest.mark.proves("trust.annotations")
@pytest.mark.parametrize(
    ("name", "is_believed"),
    [("get_weather", True), ("list_deleted", True), ("post_office", False), ("sendMail", False), ("delete", False)],
)
def test_a_promise_to_change_nothing_must_fit_the_name(name: str, is_believed: bool) -> None:
    given = {"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
    assert offer("web", Tool.model_validate(given)).spec.read_only is is_believed


@pytest.mark.proves("trust.annotations")
def test_what_a_server_does_not_say_counts_as_risky() -> None:
    spec = offer("web", Tool.model_validate({"name": "tell", "inputSchema": {"type": "object"}})).spec
    assert spec.is_risky
    assert not spec.is_repeatable
    assert spec.open_world


@pytest.mark.proves("trust.suspicious")
def test_what_is_hidden_goes_and_what_people_write_stays() -> None:
    hidden = "\U000e0041\U000e0042\u200b\u2060\ufe01\U000e0101\u202e\u3164"
    assert visible(f"Hello{hidden} you") == clean(f"Hello{hidden} you", 100) == "Hello you"
    for text in ("❤️\u200d🔥 and 👩\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e", "naïve Größe 東京", "a\tb\nc"):
        assert visible(text) == text
