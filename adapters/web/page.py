"""The page around a conversation: list, search and switch on its side, and the field to write in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.text import one_line
from adapters.web.html import Html, joined, tag, words
from adapters.web.record import HOME, Hit, Listed
from orchestrator.messages import Person
from orchestrator.words import say

STATIC = Path(__file__).parent / "static"
EXCERPT = 60  # characters on each side of a word that was found
TITLE = 80  # characters of a title
SHAPES = {
    "menu": "M3 6h14M3 10h14M3 14h14",
    "new": "M10 4v12M4 10h12",
    "send": "M10 16V4M5 9l5-5 5 5",
    "stop": "M6 6h8v8H6z",
    "attach": "M13 6l-5.6 5.6a2 2 0 1 0 2.8 2.8l6-6a4 4 0 1 0-5.6-5.6l-6.2 6.2",
    "theme": "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
    "close": "M5 5l10 10M15 5L5 15",
}


@dataclass(frozen=True, slots=True)
class View:
    """What one look at a conversation shows."""

    person: Person
    conversation: str
    title: str
    items: Sequence[Html]
    listed: Sequence[Listed]
    language: str
    theme: str = ""
    since: str = ""
    is_busy: bool = False
    has_earlier: bool = False
    has_sign_out: bool = False
    upload_bytes: int = 0
    links: Sequence[tuple[str, str]] = ()
    found: Html | None = None


def document(view: View) -> str:
    """The whole page."""
    return shell(
        tag(
            "body",
            tag("a", say("Skip to the conversation"), href="#said", class_="skip"),
            _side(view),
            _main(view),
            tag("div", class_="hidden", id="told", role="status", aria_live="polite"),
            data_conversation=view.conversation,
            data_since=view.since,
            data_upload_bytes=view.upload_bytes,
            **_texts(),
        ),
        title=view.title or say("New conversation"),
        language=view.language,
        theme=view.theme,
        script="/static/page.js",
    )


def sign_in(*, wrong: bool, next_page: str, language: str, theme: str) -> str:
    """The page that asks for the token."""
    problem = tag("p", say("That is not the token."), class_="problem", role="alert") if wrong else None
    form = tag(
        "form",
        tag("span", class_="logo", aria_hidden="true"),
        tag("h1", "Errand"),
        problem,
        tag("label", tag("span", say("Token"))),
        tag(
            "input",
            type="password",
            name="token",
            aria_label=say("Token"),
            autocomplete="current-password",
            required=True,
            autofocus=True,
        ),
        tag("input", type="hidden", name="next", value=next_page),
        tag("button", say("Sign in"), type="submit", class_="yes"),
        tag("p", say("It is the value of web_token in the settings of this Errand."), class_="hint"),
        method="post",
        action="/login",
    )
    body = tag("body", tag("main", form, class_="door"))
    return shell(body, title=say("Sign in"), language=language, theme=theme)


def trouble(problem: str, *, theme: str) -> str:
    """A page that says what went wrong."""
    told = tag(
        "main",
        tag("div", tag("h1", "Errand"), tag("p", problem), tag("a", say("To the page"), href="/")),
        class_="door",
    )
    return shell(tag("body", told), title="Errand", language="en", theme=theme)


def listing(listed: Sequence[Listed], current: str) -> Html:
    """The list of conversations."""
    if not listed:
        return tag("p", say("What you talk about will stand here."), class_="hint")
    return tag("ul", *(tag("li", _entry(each, current)) for each in listed))


def found(hits: Sequence[Hit], wanted: str) -> Html:
    """What a search has found."""
    if not hits:
        return tag("p", say("Nothing is found."), class_="hint")
    return tag("ul", *(tag("li", _hit(each, wanted)) for each in hits), class_="hits")


def earlier(conversation: str, before: int) -> Html:
    """What fetches the part before the one that is shown."""
    address = f"/c/{conversation}/earlier?before=t{before}"
    return tag("a", say("Show what was before"), href=address, class_="earlier", id="earlier")


def _entry(each: Listed, current: str) -> Html:
    title = one_line(each.title)[:TITLE] or (say("Messages to you") if each.id == HOME else say("New conversation"))
    asks = tag("span", say("waits for you"), class_="asks") if each.asks else None
    moment = tag("time", f"{each.last_at:%d.%m. %H:%M}", datetime=each.last_at.isoformat())
    is_current = "page" if each.id == current else None
    return tag(
        "a",
        tag("span", title, class_="name"),
        tag("small", moment, asks),
        href=f"/c/{each.id}",
        aria_current=is_current,
    )


def _hit(hit: Hit, wanted: str) -> Html:
    sought = [word.casefold() for word in wanted.split()]
    text = hit.answer if _place(hit.answer, sought) >= 0 else hit.request
    return tag(
        "a",
        tag("span", one_line(hit.request)[:TITLE], class_="name"),
        tag("small", _excerpt(text, sought)),
        href=f"/c/{hit.id}?since={hit.turn}#from-{hit.turn}",
    )


def _place(text: str, sought: Sequence[str]) -> int:
    places = [place for word in sought if (place := text.casefold().find(word)) >= 0]
    return min(places, default=-1)


def _excerpt(text: str, sought: Sequence[str]) -> Html:
    """What stands around the first word that was found, with that one marked."""
    place = _place(text, sought)
    if place < 0:
        return words(one_line(text)[: 2 * EXCERPT])
    length = next(len(word) for word in sought if text.casefold().startswith(word, place))
    before, after = one_line(text[max(0, place - EXCERPT) : place]), one_line(text[place + length :][:EXCERPT])
    space = " " if text[:place].endswith((" ", "\n")) else ""
    follows = " " if text[place + length :].startswith((" ", "\n")) else ""
    return joined([before, space, tag("mark", text[place : place + length]), follows, after])


def shell(
    body: Html,
    *,
    title: str,
    language: str,
    theme: str,
    script: str = "",
    styles: Sequence[str] = ("/static/page.css",),
) -> str:
    """A document around a body, with its script and its styles."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content=theme or "light dark"),
        tag("title", f"{one_line(title)[:TITLE]} · Errand"),
        tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        *(tag("link", rel="stylesheet", href=each) for each in styles),
        tag("script", src=script, type="module") if script else None,
    )
    return f"<!doctype html>{tag('html', head, body, lang=language, data_theme=theme or None)}"


def _side(view: View) -> Html:
    search = tag(
        "form",
        tag("label", tag("span", say("Search"), class_="hidden"), _search_field()),
        action="/search",
        method="get",
        role="search",
    )
    return tag(
        "nav",
        tag(
            "div",
            tag("a", tag("span", class_="logo", aria_hidden="true"), "Errand", href="/", class_="brand"),
            button("close", say("Close the list"), id="close", class_="icon phone"),
            class_="top",
        ),
        tag("a", _icon("new"), say("New conversation"), href="/", class_="new", accesskey="n"),
        search,
        tag("div", view.found or listing(view.listed, view.conversation), id="list", class_="list"),
        tag("div", *(tag("a", name, href=href) for name, href in view.links), *_below(view), class_="below"),
        id="side",
        aria_label=say("Conversations"),
    )


def _search_field() -> Html:
    return tag("input", type="search", name="q", placeholder=say("Search"), autocomplete="off", id="search")


def _below(view: View) -> list[Html]:
    out = tag("form", tag("button", say("Sign out"), type="submit", class_="plain"), method="post", action="/logout")
    return [
        tag("span", view.person.name or view.person.id, class_="who"),
        *([out] if view.has_sign_out else []),
        button("theme", say("Light or dark"), id="theme", class_="icon"),
    ]


def _main(view: View) -> Html:
    return tag(
        "main",
        tag(
            "header",
            button(
                "menu",
                say("Conversations"),
                id="menu",
                class_="icon phone",
                aria_controls="side",
                aria_expanded="false",
            ),
            tag("h1", one_line(view.title)[:TITLE] or say("New conversation"), id="title"),
            tag("span", class_="connection", id="connection", role="status"),
        ),
        tag(
            "div",
            _welcome() if not view.items else None,
            earlier(view.conversation, _first_turn(view)) if view.has_earlier else None,
            tag(
                "div",
                *view.items,
                id="said",
                role="log",
                aria_label=say("Conversation"),
                aria_live="polite",
                tabindex=-1,
            ),
            tag("div", id="unsent"),
            id="scroll",
        ),
        button("send", say("To the end"), id="down", class_="icon", hidden=True),
        _composer(view),
    )


def _first_turn(view: View) -> int:
    """The number of the first turn that is shown."""
    first = view.items[0] if view.items else ""
    return int(first.partition('data-turn="')[2].partition('"')[0] or 0)


def _welcome() -> Html:
    examples = (
        say("What time is it in Tokyo and in New York?"),
        say("What is 19% tax on 80?"),
        "/help",
    )
    return tag(
        "section",
        tag("h2", say("What can I do for you?")),
        tag("p", say("I answer, ask when something is unclear, or show a plan before I act.")),
        tag("div", *(tag("button", each, type="button", class_="example") for each in examples), class_="choices"),
        id="welcome",
    )


def _composer(view: View) -> Html:
    address = f"/c/{view.conversation}"
    attach = tag(
        "label",
        _icon("attach"),
        tag("span", say("Add files"), class_="hidden"),
        tag("input", type="file", multiple=True, id="files", aria_label=say("Add files")),
        class_="icon attach",
    )
    text = tag(
        "textarea",
        "",
        name="text",
        id="text",
        rows=1,
        placeholder=say("Write a message"),
        aria_label=say("Message"),
        autofocus=True,
        enterkeyhint="send",
    )
    form = tag(
        "form",
        tag("ul", id="attached", class_="chips", aria_label=say("Files to send")),
        tag("div", attach, text, button("send", say("Send"), type_="submit", class_="icon send"), class_="line"),
        method="post",
        action=f"{address}/messages",
        id="composer",
    )
    stop = tag(
        "form",
        tag("button", _icon("stop"), say("Stop"), type="submit", class_="stop"),
        method="post",
        action=f"{address}/stop",
        id="stop",
        data_sends=True,
        hidden=not view.is_busy,
    )
    return tag("footer", stop, form)


def button(shape: str, name: str, *, type_: str = "button", **attributes: str | bool) -> Html:
    """A button that is a picture, with its name for those who hear it."""
    return tag("button", _icon(shape), tag("span", name, class_="hidden"), type=type_, title=name, **attributes)


def _icon(shape: str) -> Html:
    return tag("svg", tag("path", d=SHAPES[shape]), viewBox="0 0 20 20", class_="shape", aria_hidden="true")


def _texts() -> dict[str, str]:
    """What the script says."""
    return {
        "data_says_waiting": say("Not sent yet: I try again."),
        "data_says_refused": say("Not sent."),
        "data_says_lost": say("No connection. I try again."),
        "data_says_large": say("This file is too large:"),
        "data_says_uploading": say("is on its way"),
        "data_says_remove": say("Remove"),
        "data_says_answered": say("Answered."),
        "data_says_thanks": say("Thank you, I have noted that."),
        "data_says_you": say("You"),
    }
