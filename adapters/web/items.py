"""What stands in a conversation, as HTML: what people said, what they are shown, and what goes on right now.

An item is an element with an id of its own. `data-turn` and `data-rank` give its place, `data-version` changes with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from adapters.text import SEEN
from adapters.web.html import Html, joined, tag
from adapters.web.markdown import render
from adapters.web.picture import figure
from adapters.web.record import Shown, Stretch
from orchestrator.messages import (
    Answer,
    Attachment,
    Choice,
    Command,
    Edit,
    Final,
    Form,
    Inbound,
    Message,
    PlanCard,
    Question,
    QuestionField,
    size_in_words,
)
from orchestrator.words import say

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # a browser runs nothing of these
SAID, LIVE, SHOWN = 0, 1, 2  # ranks: the order within a turn


@dataclass(slots=True)
class Moment:
    """What a running turn looks like now."""

    card: PlanCard | None = None
    draft: str = ""
    status: str = ""


def items_of(stretch: Stretch, conversation: str) -> list[Html]:
    """All items of a part of a conversation, in their order."""
    placed = [(number_of(each.turn), SAID, 0, said(each.inbound, each.turn)) for each in stretch.spoken]
    cards = dict(stretch.cards)
    for place, each in enumerate(stretch.shown):
        item = shown(each, conversation, card=cards.pop(each.turn, None), question=stretch.question)
        placed.append((number_of(each.turn), SHOWN, place, item))
    return [item for *_, item in sorted(placed, key=lambda each: each[:3]) if item]


def number_of(turn: str) -> int:
    """The place of a turn among all others."""
    return int(turn.removeprefix("t")) if turn.removeprefix("t").isdecimal() else 0


def said(inbound: Inbound, turn: str) -> Html:
    """What somebody said; empty for what is no words."""
    text, files = _words_of(inbound)
    if not (text or files):
        return Html("")
    parts = [_speaker(say("You")), tag("div", text, class_="words") if text else None, _chips(files)]
    return _item(f"e-{inbound.event_id.rpartition('/')[2]}", turn, SAID, "said", *parts)


def shown(
    each: Shown,
    conversation: str,
    *,
    card: PlanCard | None = None,
    question: str | None = None,
    repeated: bool = False,
) -> Html:
    """A final part below the plan that led to it. `question` is the open one, and can be answered."""
    part = each.part
    inside: list[Html | None] = [
        _speaker("Errand"),
        tag("p", SEEN, class_="hint") if repeated else None,
        figure(card) if card and len(card.steps) > 1 else None,
        tag("div", render(_text_of(part)), class_="prose"),
    ]
    match part:
        case Question():
            inside.append(answers(part, conversation) if part.id == question else _closed(part))
        case Answer(files=files):
            inside += [_files(files, each.id), _feedback(each.turn, conversation)]
    return _item(f"d-{each.id}", each.turn, SHOWN, part.kind, *inside)


def live(turn: str, moment: Moment) -> Html:
    """What a turn looks like while it runs."""
    inside = [
        _speaker("Errand"),
        figure(moment.card) if moment.card else None,
        tag("div", render(moment.draft), class_="prose growing") if moment.draft else None,
        tag("p", moment.status, class_="status") if moment.status else None,
        tag("p", tag("span", say("Working"), class_="hidden"), class_="dots")
        if not (moment.draft or moment.status)
        else None,
    ]
    return _item(f"live-{turn}", turn, LIVE, "live", *inside, aria_live="off", aria_busy="true")


def answers(question: Question, conversation: str) -> Html:
    """The form of an open question: buttons where one thing is asked, fields where it is more."""
    fields = question.fields
    inside = _one(fields[0]) if len(fields) == 1 else joined(_several(fields))
    return tag(
        "form",
        tag("input", type="hidden", name="question", value=question.id),
        inside,
        method="post",
        action=f"/c/{conversation}/answers",
        class_="answers",
        data_sends=True,
        data_question=question.id,
    )


def _one(field: QuestionField) -> Html:
    buttons = (_choice(field, number, choice) for number, choice in enumerate(field.choices))
    return joined(
        [
            tag("div", *buttons, class_="choices", role="group", aria_label=field.label) if field.choices else None,
            None if field.closed else _own_words(field, label=say("Your own words") if field.choices else field.label),
        ]
    )


def _choice(field: QuestionField, number: int, choice: str) -> Html:
    kind = ("yes", "no")[number] if field.approval and number < 2 else None
    return tag("button", choice, type="submit", name="choice", value=choice, class_=kind)


def _own_words(field: QuestionField, *, label: str) -> Html:
    name = f"field.{field.name}"
    return tag(
        "div",
        tag("label", tag("span", label, class_="hidden"), _input(name, placeholder=say("Your own words"))),
        tag("button", say("Answer"), type="submit", class_="plain"),
        class_="own",
    )


def _several(fields: Sequence[QuestionField]) -> Iterator[Html]:
    for field in fields:
        yield (
            _radios(field)
            if field.choices
            else tag("label", tag("span", render(field.label)), _input(f"field.{field.name}"), class_="field")
        )
    yield tag("button", say("Answer"), type="submit", class_="yes")


def _radios(field: QuestionField) -> Html:
    name = f"field.{field.name}"
    radios = (
        tag("label", tag("input", type="radio", name=name, value=choice), tag("span", choice), class_="radio")
        for choice in field.choices
    )
    own = None if field.closed else _input(f"own.{field.name}", placeholder=say("Your own words"))
    return tag("fieldset", tag("legend", render(field.label)), tag("div", *radios, class_="choices"), own)


def _input(name: str, *, placeholder: str | None = None) -> Html:
    return tag("input", type="text", name=name, autocomplete="off", placeholder=placeholder, aria_label=placeholder)


def _closed(question: Question) -> Html | None:
    """The choices of a question that is over."""
    choices = [choice for field in question.fields for choice in field.choices]
    return tag("ul", *(tag("li", choice) for choice in choices), class_="closed") if choices else None


def _feedback(turn: str, conversation: str) -> Html:
    return tag(
        "form",
        tag("input", type="hidden", name="turn", value=turn),
        tag("button", say("Good"), type="submit", name="rating", value="good", aria_pressed="false"),
        tag("button", say("Bad"), type="submit", name="rating", value="bad", aria_pressed="false"),
        tag(
            "button", say("Why?"), type="submit", name="text", value=f"/why {turn}", formaction=_messages(conversation)
        ),
        method="post",
        action=f"/c/{conversation}/feedback",
        class_="feedback",
        aria_label=say("About this answer"),
    )


def _messages(conversation: str) -> str:
    return f"/c/{conversation}/messages"


def _text_of(part: Final) -> str:
    """The words of a part; of a question with several fields a short form: they say it themselves."""
    if isinstance(part, Question) and len(part.fields) > 1:
        return say("I need to know a few things:")
    return part.text


def _words_of(inbound: Inbound) -> tuple[str, Sequence[Attachment]]:
    match inbound:
        case Message(text=text, attachments=files):
            return text, files
        case Command(name=name, rest=rest, attachments=files):
            return f"/{name} {rest}".strip(), files
        case Choice(value=value):
            return value, ()
        case Form(values=values):
            return "\n".join(values.values()), ()
        case Edit(text=text):
            return text, ()
        case _:
            return "", ()


def _chips(files: Sequence[Attachment]) -> Html | None:
    chips = (tag("li", file.name, tag("small", size_in_words(file.size or 0))) for file in files)
    return tag("ul", *chips, class_="chips") if files else None


def _files(files: Sequence[Attachment], delivery: str) -> Html | None:
    """What belongs to an answer: pictures are shown, everything can be fetched."""
    if not files:
        return None
    return tag(
        "ul", *(tag("li", _file(file, f"/files/{delivery}/{n}")) for n, file in enumerate(files)), class_="files"
    )


def _file(file: Attachment, address: str) -> Html:
    size = tag("small", size_in_words(file.size)) if file.size is not None else None
    picture = None
    if file.mime in PICTURES:
        picture = tag("img", src=address, alt=file.name, loading="lazy")
    return tag("a", picture, tag("span", file.name), size, href=f"{address}?save=1", download=file.name)


def _speaker(name: str) -> Html:
    return tag("h2", name, class_="hidden")


def _item(name: str, turn: str, rank: int, kind: str, *inside: Html | None, **more: str) -> Html:
    whole = joined(inside)
    return tag(
        "article",
        whole,
        id=name,
        class_=f"item {kind}",
        data_turn=number_of(turn),
        data_rank=rank,
        data_version=f"{crc32(whole.encode()):x}",
        **more,
    )
