"""Buttons, choices and fields: what a client sends for what a person does with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.slack.people import Wire
from tests.fakes.slack.rendering import elements as elements_of
from tests.fakes.slack.rendering import labels, options
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.state import View

Value = str | Sequence[str] | bool


def button_of(elements: Sequence[tuple[Wire, Wire]], label: str, person: str) -> tuple[Wire, Wire]:
    """(block, action) of the button with this label. Raises AssertionError where there is none to press."""
    for block, element in elements:
        if label in labels(element) and _is_visible(element, person):
            action = _action(block, element)
            match element["type"]:
                case "button" | "workflow_button" | "icon_button":
                    return block, action | _kept(element, "value", "text", "style", "url")
                case "feedback_buttons":
                    names = ("positive_button", "negative_button")
                    pressed = next(element[name] for name in names if element[name]["text"]["text"] == label)
                    return block, action | {"text": pressed["text"], "value": pressed["value"]}
                case _:
                    return block, action | chosen(element, [label])
    raise AssertionError(f"no button {label!r} among {[each for _, e in elements for each in labels(e)]}")


def choice_of(elements: Sequence[tuple[Wire, Wire]], chosen_labels: Sequence[str]) -> tuple[Wire, Wire]:
    """(block, action) of the element that has all these options. Raises AssertionError."""
    for block, element in elements:
        if set(chosen_labels) <= {each["text"]["text"] for each in options(element)}:
            return block, _action(block, element) | chosen(element, chosen_labels)
    raise AssertionError(f"nothing to choose {chosen_labels} from among {[e['type'] for _, e in elements]}")


def chosen(element: Wire, chosen_labels: Sequence[str]) -> Wire:
    """What a client says for these options."""
    picked = [each for each in options(element) if each["text"]["text"] in chosen_labels]
    if element["type"] in ("checkboxes", "multi_static_select"):
        return {"selected_options": picked}
    return {"selected_option": picked[0] if picked else None}


def state_of(view: View, filled: Mapping[str, Value]) -> Wire:
    """The values of a form, by block and action; fields that are not filled in have what they began with.
    Raises AssertionError for a label that is not there or a field that must be filled in."""
    fields = {b["label"]["text"]: (b, b["element"]) for b in view.wire["blocks"] if b["type"] == "input"}
    unknown = set(filled) - set(fields)
    assert not unknown, f"no field {unknown} among {list(fields)}"
    values: dict[str, Any] = {}
    for label, (block, element) in fields.items():
        value = filled[label] if label in filled else _initial(element)
        assert block.get("optional") or value not in ("", None, []), f"{label!r} must be filled in"
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"], **_filled(element, value)}}
    return values


def _filled(element: Wire, value: Any) -> Wire:
    match element["type"]:
        case "plain_text_input" | "number_input" | "email_text_input" | "url_text_input":
            return {"value": value or None}
        case "datepicker":
            return {"selected_date": value or None}
        case "timepicker":
            return {"selected_time": value or None}
        case "static_select" | "radio_buttons" | "checkboxes" | "multi_static_select":
            wanted = [value] if isinstance(value, str) else list(value or ())
            missing = set(wanted) - {each["text"]["text"] for each in options(element)}
            assert not missing, f"no option {missing} in {[each['text']['text'] for each in options(element)]}"
            return chosen(element, wanted)
        case "users_select":
            return {"selected_user": value or None}
        case kind:
            raise AssertionError(f"{kind} cannot be filled in here")


def _initial(element: Wire) -> Any:
    for name in ("initial_value", "initial_date", "initial_time", "initial_user"):
        if name in element:
            return element[name]
    if initial := element.get("initial_option"):
        return initial["text"]["text"]
    return [each["text"]["text"] for each in element.get("initial_options", ())]


def _action(block: Wire, element: Wire) -> Wire:
    where = {"block_id": block.get("block_id", ""), "action_id": element.get("action_id", "")}
    return {**where, "type": element["type"], "action_ts": ""}


def _kept(element: Wire, *names: str) -> Wire:
    return {name: element[name] for name in names if name in element}


def _is_visible(element: Wire, person: str) -> bool:
    return person in element.get("visible_to_user_ids", [person])


def pressable(shown: Shown | View) -> list[tuple[Wire, Wire]]:
    """Everything in a message or view that can be pressed."""
    if isinstance(shown, Shown):
        return shown.elements
    return list(elements_of(shown.wire["blocks"]))
