"""The local Telegram: rich messages, what they are made of, what is refused of them, how they read."""

from typing import Any

import pytest
from telegram import Bot
from telegram.error import BadRequest

from tests.fakes.telegram import Chat, World, telegram
from tests.fakes.telegram.client import client, connected

PAGE = """
<h2>Trips &amp; more</h2>
<p>A <b>bold <i>and soft</i></b> word, <code>a  b</code>, <a href="https://x.example">a link</a><br/>and a line.</p>
<ol start="3"><li>three</li><li>four<ul><li>inside</li></ul></li></ol>
<ul><li><input type="checkbox" checked/>done</li><li><input type="checkbox"/>open</li></ul>
<table bordered>
<tr><th>Town</th><th align="right">Degrees</th></tr>
<tr><td>Lima</td><td align="right">19</td></tr>
</table>
<pre><code class="language-python">a &lt; b
</code></pre>
<blockquote><p>Quoted</p><cite>Somebody</cite></blockquote>
<details open><summary>More</summary><p>hidden</p></details>
<tg-math-block>a^2</tg-math-block>
<hr/>
<tg-button-row><tg-button type="callback_data" data="k1" style="primary">Yes</tg-button></tg-button-row>
<footer>The end</footer>
"""
READS = """Errand: ## Trips & more
  A bold and soft word, a  b, a link
  and a line.
  3. three
  4. four
    - inside
  - [x] done
  - [ ] open
  | Town | Degrees |
  | Lima | 19 |
  ```
  a < b
  ```
  > Quoted
  > (Somebody)
  ▾ More
    hidden
  a^2
  ---
  The end
  [Yes]"""


async def sent(bot: Bot, chat: Chat, **rich: Any) -> dict[str, Any]:
    answer = await bot.do_api_request("sendRichMessage", {"chat_id": chat.id, "rich_message": rich})
    assert isinstance(answer, dict)
    return answer


async def refused(bot: Bot, chat: Chat, **rich: Any) -> str:
    with pytest.raises(BadRequest) as error:
        await sent(bot, chat, **rich)
    return error.value.message


def a_chat(world: World) -> Chat:
    return world.person("Mara").private_chat()


@pytest.mark.proves("telegram_fake.rich")
async def test_html_becomes_blocks_and_reads_like_a_page() -> None:
    async with connected() as (bot, world):
        chat = a_chat(world)
        told = await sent(bot, chat, html=PAGE)
        assert " ".join(block["type"] for block in told["rich_message"]["blocks"]) == (
            "heading paragraph list list table pre blockquote details mathematical_expression divider buttons footer"
        )
        assert told["rich_message"]["blocks"][1]["text"][1] == {
            "type": "bold",
            "text": ["bold ", {"type": "italic", "text": "and soft"}],
        }
        assert chat.transcript() == READS
        assert (await chat.shows("Quoted")).html == PAGE


@pytest.mark.proves("telegram_fake.rich")
async def test_markdown_and_blocks_say_the_same_as_html() -> None:
    async with connected() as (bot, world):
        chat = a_chat(world)
        for rich in (
            {"html": "<h1>T</h1><p>a <b>b</b></p><ul><li>c</li></ul>"},
            {"markdown": "# T\n\na **b**\n\n- c"},
            {
                "blocks": [
                    {"type": "heading", "size": 1, "text": "T"},
                    {"type": "paragraph", "text": ["a ", {"type": "bold", "text": "b"}]},
                    {"type": "list", "items": [{"blocks": [{"type": "paragraph", "text": "c"}]}]},
                ]
            },
        ):
            await sent(bot, chat, **rich)
        first, second, third = (each.wire["rich_message"] for each in chat.messages)
        assert first == second == third


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no way": ({}, "exactly one of the fields"),
    "two ways": ({"html": "a", "markdown": "a"}, "exactly one of the fields"),
    "empty": ({"html": "<p> </p>"}, "message text is empty"),
    "unknown tag": ({"html": "<p>ä<font>x</font></p>"}, 'unsupported start tag "font" at byte offset 5'),
    "unclosed": ({"html": "<p>a"}, 'can\'t find end tag corresponding to start tag "p"'),
    "crossed": ({"html": "<b>a<i>b</b></i>"}, 'unmatched end tag at byte offset 8, expected "</i>", found "</b>"'),
    "too much closed": ({"html": "a</b>"}, "unexpected end tag at byte offset 1"),
    "block in text": ({"html": "<b>a<p>b</p></b>"}, 'tag "p" can\'t be in a text'),
    "item without a list": ({"html": "<li>a</li>"}, 'unexpected tag "li" outside of its parent'),
    "too long": ({"html": "<p>" + "x" * 32769 + "</p>"}, "message is too long"),
    "too many blocks": ({"html": "<p>x</p>" * 501}, "too many blocks"),
    "too many rows": ({"html": "<table>" + "<tr><td>x</td></tr>" * 500 + "</table>"}, "too many blocks"),
    "too many columns": ({"html": "<table><tr>" + "<td>x</td>" * 21 + "</tr></table>"}, "too many columns"),
    "too deep": ({"html": "<blockquote>" * 16 + "x" + "</blockquote>" * 16}, "nested too deep"),
    "thinking": ({"html": "<tg-thinking>Hm</tg-thinking>"}, "only in message drafts"),
    "long data": (
        {"html": f'<tg-button-row><tg-button type="callback_data" data="{"x" * 65}">a</tg-button></tg-button-row>'},
        "button_data_invalid",
    ),
    "no summary": ({"html": "<details><p>x</p></details>"}, "must have a summary"),
}


@pytest.mark.proves("telegram_fake.rich")
@pytest.mark.parametrize(("rich", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_rich_message_that_is_not_right_is_refused(rich: dict[str, Any], words: str) -> None:
    async with connected() as (bot, world):
        assert words in (await refused(bot, a_chat(world), **rich)).lower()


@pytest.mark.proves("telegram_fake.rich")
async def test_the_largest_rich_messages_are_taken() -> None:
    async with connected() as (bot, world):
        chat = a_chat(world)
        for html in ("<p>" + "x" * 32768 + "</p>", "<p>x</p>" * 500, "<blockquote>" * 15 + "x" + "</blockquote>" * 15):
            await sent(bot, chat, html=html)


@pytest.mark.proves("telegram_fake.rich", "telegram_fake.drafts")
async def test_a_rich_draft_may_think_and_makes_place_for_its_message() -> None:
    async with connected() as (bot, world):
        chat = a_chat(world)
        draft = {"chat_id": chat.id, "draft_id": 3, "can_stop": True}
        for html in ("<tg-thinking>Looking</tg-thinking>", "<p>It is</p>"):
            await bot.do_api_request("sendRichMessageDraft", {**draft, "rich_message": {"html": html}})
        assert (await chat.shows_draft("It is")).texts == ["(Looking)", "It is"]
        assert chat.draft
        assert (chat.draft.can_stop, chat.draft.html) == (True, "<p>It is</p>")
        await sent(bot, chat, html="<p>It is two.</p>")
        assert chat.draft is None


@pytest.mark.filterwarnings("ignore:Please use 'Bot.editMessageText'")
@pytest.mark.proves("telegram_fake.rich", "telegram_fake.presses")
async def test_a_rich_message_is_edited_and_its_buttons_are_pressed() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        told = await sent(bot, chat, html=PAGE)
        press = await mara.presses(chat.messages[0], "Yes")
        query = (await bot.get_updates())[0].callback_query
        assert query
        assert (query.data, press.query.id) == ("k1", query.id)
        edit = {"chat_id": chat.id, "message_id": told["message_id"], "rich_message": {"html": "<p>Gone</p>"}}
        await bot.do_api_request("editMessageText", edit)
        assert chat.transcript() == "Errand: Gone"
        with pytest.raises(BadRequest, match="Message is not modified"):
            await bot.do_api_request("editMessageText", edit)
        await bot.edit_message_text("plain now", chat.id, told["message_id"])
        assert chat.transcript() == "Errand: plain now"


@pytest.mark.proves("telegram_fake.rich")
async def test_a_picture_from_elsewhere_is_written_down() -> None:
    async with telegram() as world:
        async with client(world) as bot:
            await sent(bot, a_chat(world), html='<p>a</p><img src="https://elsewhere.example/secret"/>')
        assert world.problems == ["rich message: <img> makes the server fetch or show media, which is not imitated"]
