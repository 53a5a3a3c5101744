"""A question's choices as buttons."""

from collections.abc import Mapping
from typing import Any

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from adapters.asked import Asked, Press
from adapters.text import one_line, shortened
from orchestrator.messages import Question, QuestionField

LONGEST_LABEL = 60  # characters of a button; Telegram cuts longer ones where it likes
ONE_ROW = 30  # characters of choices that still stand side by side on a phone
MOST_BUTTONS = 90  # Telegram takes 100
PLACEHOLDER = 64  # characters (Bot API)


def keyboard(question: Question, picked: Mapping[str, str] | None = None) -> InlineKeyboardMarkup | None:
    """The choices as buttons; None where there is nothing to choose."""
    rows: list[list[InlineKeyboardButton]] = []
    several = len([each for each in question.fields if each.choices]) > 1
    for at, each in enumerate(question.fields):
        sign = f"{at + 1}: " if several else ""  # so that each button says to which question it belongs
        rows += _rows(question.id, at, each, (picked or {}).get(each.name), sign=sign)
    count = sum(map(len, rows))
    return InlineKeyboardMarkup(rows) if 0 < count <= MOST_BUTTONS else None


def repicked(asked: Asked) -> InlineKeyboardMarkup:
    """The buttons of a question of several fields, those that were picked marked."""
    fields = tuple(QuestionField(name=name, label="", choices=choices) for name, choices in asked.fields)
    markup = keyboard(Question(id=asked.question, text="", fields=fields), asked.picked)
    assert markup is not None
    return markup


def chosen(words: str) -> InlineKeyboardMarkup:
    """What is left of the buttons once one was chosen: it stays to be read, and does nothing."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(_label(f"✓ {words}"), callback_data="closed")]])


def free_text(question: Question) -> ForceReply:
    """Opens the keyboard for an answer, for the one who is asked."""
    hint = one_line(question.fields[0].name.rpartition(".")[2] if question.fields else "")
    return ForceReply(selective=True, input_field_placeholder=hint[:PLACEHOLDER] or None)


def _rows(
    question: str, at: int, asked: QuestionField, picked: str | None, *, sign: str
) -> list[list[InlineKeyboardButton]]:
    buttons = [
        InlineKeyboardButton(
            _label(f"{'✓ ' if choice == picked else ''}{sign}{choice}"),
            callback_data=Press(question, at, number).written(),
            **_style(asked, number),
        )
        for number, choice in enumerate(asked.choices)
    ]
    if sum(len(button.text) for button in buttons) <= ONE_ROW:
        return [buttons] if buttons else []
    if asked.approval:
        return [buttons[:2], *([button] for button in buttons[2:])]
    return [[button] for button in buttons]


def _style(asked: QuestionField, number: int) -> dict[str, Any]:
    if not asked.approval or number > 1:
        return {}
    return {"style": "danger" if number else "success"}


def _label(text: str) -> str:
    return shortened(one_line(text) or "…", LONGEST_LABEL)
