"""What a tool asks, put to the person field by field, and their words as the values that it wants."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

from orchestrator.slots import yes_or_no
from orchestrator.tools.asking import Asking, Inquiry, Refusal
from orchestrator.words import each_way, say

LEFT_OUT = "-"  # what a person writes for a field that they leave out


@dataclass(frozen=True, slots=True)
class Item:
    """One field of a form that is asked for; without a `name`, the inquiry as a whole: a page, or a mere yes."""

    source: str
    inquiry: Inquiry
    name: str
    first: bool

    @property
    def short_name(self) -> str:
        return re.sub(r"[^\w-]", "_", self.name) or "go"

    @property
    def schema(self) -> Mapping[str, Any]:
        return self.inquiry.properties.get(self.name, {})

    @property
    def is_required(self) -> bool:
        return not self.name or self.name in self.inquiry.required

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen, and behind it the two ways to say no."""
        offered = tuple(title for _, title in _options(self.schema))
        if not self.name:
            offered = (say("done"),) if self.inquiry.url else (say("yes"),)
        elif self.schema.get("type") == "boolean":
            offered = (say("yes"), say("no"))
        elif self.schema.get("type") == "array":
            offered = ()  # several may be named; they are in the label
        return (*offered, say("decline"), say("cancel"))

    @property
    def label(self) -> str:
        """The field in words, under the first one's question of whoever asks."""
        return "\n".join(filter(None, (self._head if self.first else "", self._field)))

    @property
    def _head(self) -> str:
        if self.inquiry.url:
            return say(
                "**{source}** asks you to open a page of {host}: {url}",
                source=self.source,
                host=f"`{urlsplit(self.inquiry.url).hostname}`",
                url=self.inquiry.url,
            ) + (f"\n> {_quoted(self.inquiry.message)}" if self.inquiry.message else "")
        return say("**{source}** asks: {message}", source=self.source, message=_quoted(self.inquiry.message))

    @property
    def _field(self) -> str:
        if not self.name:
            return ""
        titles = [title for _, title in _options(self.schema)]
        parts = (
            f"**{_quoted(str(self.schema.get('title') or self.name))}**",
            _quoted(str(self.schema.get("description", ""))),
            say("Several of: {choices}.", choices=", ".join(titles)) if self.schema.get("type") == "array" else "",
            say("Without a word: {default}.", default=self.schema["default"]) if "default" in self.schema else "",
            "" if self.is_required else say("`-` leaves it out."),
        )
        return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says to one item: a value, that it is left out, or that the tool is to get no answer at all."""

    value: Any = None
    left_out: bool = False
    refused: Refusal | None = None


def items(asking: Asking) -> list[Item]:
    """All that is still to be asked."""
    return list(_items(asking))


def _items(asking: Asking) -> Iterator[Item]:
    for inquiry in asking.inquiries:
        given = asking.given.get(inquiry.key, {})
        open_names = [name for name in inquiry.properties if name not in given]
        names = open_names if inquiry.properties else [""]
        for name in names:
            yield Item(asking.source, inquiry, name, first=name == names[0])


def read_item(text: str, item: Item) -> Given | None:
    """What these words say to an item; None where they cannot be an answer."""
    words = text.strip()
    if refused := refusal(words) or _numbered_refusal(words, item):
        return Given(refused=refused)
    if not item.name:
        agreed = words == "1" or words.casefold() in each_way("done") or yes_or_no(words)
        return Given() if agreed else Given(refused="decline") if agreed is False else None
    if words == LEFT_OUT:
        return None if item.is_required and "default" not in item.schema else Given(left_out=True)
    value = _value(words, item.schema)
    fits = Draft202012Validator(item.schema, format_checker=FormatChecker()).is_valid(value)
    return Given(value) if value is not None and fits else None


def refusal(text: str) -> Refusal | None:
    """The refusal that these words are, if they are nothing else."""
    words = text.strip().casefold()
    if words in each_way("decline"):
        return "decline"
    return "cancel" if words in each_way("cancel") else None


def answered(asking: Asking, given: Iterable[tuple[Item, Given]]) -> Asking:
    """The same with these answers in it."""
    for item, answer in given:
        if answer.refused:
            return asking.model_copy(update={"refused": answer.refused})
        key = item.inquiry.key
        known = asking.given.get(key, {})
        if item.name and not answer.left_out:
            known = {**known, item.name: answer.value}
        asking = asking.model_copy(update={"given": {**asking.given, key: known}})
    return asking


def _numbered_refusal(words: str, item: Item) -> Refusal | None:
    """Decline and cancel are the last two of the choices, for those who answer by number."""
    refusals: tuple[Refusal, ...] = get_args(Refusal)
    place = int(words) - len(item.choices) + 1 if words.isdecimal() and _counts_choices(item) else -1
    return refusals[place] if place in (0, 1) else None


def _counts_choices(item: Item) -> bool:
    """Whether a number can only mean the place of a choice."""
    return not item.name or item.schema.get("type") == "boolean" or bool(_options(item.schema))


def _options(schema: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """The values that a field allows, with their titles."""
    if schema.get("type") == "array":
        return _options(schema.get("items", {}))
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return [(each.get("const"), _quoted(str(each.get("title", each.get("const"))))) for each in schema[keyword]]
    names = schema.get("enumNames") or schema.get("enum", ())
    return [(value, _quoted(str(name))) for value, name in zip(schema.get("enum", ()), names, strict=False)]


def _value(words: str, schema: Mapping[str, Any]) -> Any:
    """The words as the type that a field wants. None where they cannot be it."""
    match schema.get("type"):
        case "array":
            return [_option(each.strip(), schema) for each in words.split(",")]
        case "boolean":
            return {"1": True, "2": False}.get(words, yes_or_no(words))
        case "integer" | "number" as kind:
            return _number(words.replace(",", "."), whole=kind == "integer")
        case _:
            return _option(words, schema) if _options(schema) else words


def _option(words: str, schema: Mapping[str, Any]) -> Any:
    options = _options(schema)
    if words.isdecimal() and 1 <= int(words) <= len(options):
        return options[int(words) - 1][0]
    said = words.casefold()
    return next((value for value, title in options if said in (title.casefold(), str(value).casefold())), None)


def _number(words: str, *, whole: bool) -> float | int | None:
    try:
        return int(words) if whole else float(words)
    except ValueError:
        return None


def _quoted(text: str) -> str:
    """A stranger's words in a line of ours."""
    return text.replace("\n", " ").replace("`", "'").strip()
