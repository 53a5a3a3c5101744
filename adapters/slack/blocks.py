"""Questions, buttons and notes as Slack's blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.asked import Asked, Press
from adapters.slack.markdown import Page, pages
from adapters.slack.tables import Block
from adapters.slack.writing import escaped
from adapters.text import MARKS, choice_lines, one_line, shortened, step_text
from orchestrator.messages import PlanCard, Question, QuestionField
from orchestrator.words import say

PICK, SELECT, FORM, RATE = "errand:pick:", "errand:select:", "errand:form:", "errand:rate"  # begin action ids
LABEL = 75  # characters of a button and of an option
BUTTONS = 5  # choices that stand side by side; more are a menu
MOST_OPTIONS = 100
NOTE = 2_900  # characters of a note below a message; Slack takes 3,000


def note(text: str) -> Block:
    """Small words below a message. `text` is mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:NOTE]}]}


def plan_note(card: PlanCard) -> Block:
    """What was done for an answer, in small."""
    return note("\n".join(f"{MARKS[step.state]} {escaped(step_text(step))}" for step in card.steps))


def rating(turn: str) -> Block:
    """Buttons for what people think of the answer of a turn."""

    def button(words: str, value: str) -> Block:
        return {"text": plain(words), "value": f"{value}/{turn}"}

    element = {
        "type": "feedback_buttons",
        "action_id": RATE,
        "positive_button": button(say("Good answer"), "good"),
        "negative_button": button(say("Bad answer"), "bad"),
    }
    return {"type": "context_actions", "elements": [element]}


def question_page(question: Question) -> list[Page]:
    """A question: its words, and on the last page what can be pressed."""
    can_press = [field for field in question.fields if 0 < len(field.choices) <= MOST_OPTIONS]
    several = len(question.fields) > 1
    listed = "" if can_press and not several else "\n".join(choice_lines(question))
    *others, last = pages("\n\n".join(filter(None, (question.text, listed))))
    if several:
        return [*others, last.with_below(_form_button(question), note(say("Or answer here in your own words.")))]
    if not can_press:
        return [*others, last]
    (field,) = can_press
    hint = "" if field.closed else say("Or answer here in your own words.")
    below = [_choices(question, field), *([note(hint)] if hint and not field.approval else [])]
    return [*others, last.with_below(*below)]


def _choices(question: Question, field: QuestionField) -> Block:
    at = question.fields.index(field)
    if len(field.choices) > BUTTONS:
        options = [_option(choice, str(number)) for number, choice in enumerate(field.choices)]
        menu = {
            "type": "static_select",
            "action_id": f"{SELECT}{question.id}/{at}",
            "placeholder": plain(say("Choose")),
            "options": options,
        }
        return {"type": "actions", "elements": [menu]}
    buttons = [
        {
            "type": "button",
            "action_id": f"{PICK}{Press(question.id, at, number).written()}",
            "text": plain(choice),
            **_style(field, number),
        }
        for number, choice in enumerate(field.choices)
    ]
    return {"type": "actions", "elements": buttons}


def _style(field: QuestionField, number: int) -> dict[str, str]:
    if not field.approval or number > 1:
        return {}
    return {"style": "danger" if number else "primary"}


def _form_button(question: Question) -> Block:
    button = {
        "type": "button",
        "action_id": f"{FORM}{question.id}",
        "text": plain(say("Answer")),
        "style": "primary",
    }
    return {"type": "actions", "elements": [button]}


def frozen(blocks: Sequence[Mapping[str, Any]], words: str) -> tuple[Block, ...]:
    """A question that is over: nothing can be pressed any more, and it says what came of it. `words` are mrkdwn."""
    kept = [dict(block) for block in blocks if block.get("type") not in {"actions", "context"}]
    return (*kept, *([note(words)] if words else []))


def form(question: Asked, labels: Mapping[str, str], *, metadata: str) -> Block:
    """A dialog with an input for each field. `labels` are what is asked, by field name."""
    inputs = []
    for at, (name, choices) in enumerate(question.fields):
        label = labels.get(name) or name
        if choices:
            inputs.append(_input(f"c{at}", label, _menu(choices), optional=True))
        words = say("In your own words") if choices else label
        own = {"type": "plain_text_input", "action_id": "value"}
        inputs.append(_input(f"t{at}", words, own, optional=bool(choices)))
    return modal(FORM.rstrip(":"), say("Your answer"), inputs, metadata=metadata, submit=say("Send"))


def modal(callback: str, title: str, blocks: Sequence[Block], *, metadata: str, submit: str) -> Block:
    """A dialog."""
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain(say("Cancel"), 24),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }


def values_of(view: Mapping[str, Any], asked: Asked) -> tuple[dict[str, str], dict[str, str]]:
    """What was filled in, by field name; and what is wrong with it, by block."""
    state: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    values, problems = {}, {}
    for at, (name, choices) in enumerate(asked.fields):
        words = str(_value(state, f"t{at}").get("value") or "").strip()
        option = (_value(state, f"c{at}").get("selected_option") or {}).get("value", "")
        if words:
            values[name] = words
        elif option.isdecimal() and int(option) < len(choices):
            values[name] = choices[int(option)]
        else:
            problems[f"t{at}"] = (
                say("Please choose one, or write something.") if choices else say("Please fill this in.")
            )
    return values, problems


def _value(state: Mapping[str, Any], block: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (state.get(block) or {}).get("value") or {}
    return found


def _menu(choices: Sequence[str]) -> Block:
    options = [_option(choice, str(number)) for number, choice in enumerate(choices[:MOST_OPTIONS])]
    return {"type": "static_select", "action_id": "value", "placeholder": plain(say("Choose")), "options": options}


def _input(block: str, label: str, element: Block, *, optional: bool) -> Block:
    return {"type": "input", "block_id": block, "label": plain(label, 2_000), "element": element, "optional": optional}


def _option(text: str, value: str) -> Block:
    return {"text": plain(text), "value": value}


def plain(text: str, limit: int = LABEL) -> Block:
    return {"type": "plain_text", "text": shortened(one_line(text) or "…", limit), "emoji": True}
