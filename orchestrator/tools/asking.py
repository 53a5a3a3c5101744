"""What a tool asks of the person while it works, kept so that the answer may come hours later."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Refusal = Literal["decline", "cancel"]


class Inquiry(BaseModel):
    """One thing that is asked: a flat form by its JSON Schema, or a `url` that the person is to open.

    `key` is the tool's own name of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    message: str
    form: dict[str, Any] = {}
    url: str = ""

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.form.get("properties") or {}
        return found

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.form.get("required") or ())

    def filled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the form: the given ones, and the defaults of those that were left out."""
        defaults = {name: each["default"] for name, each in self.properties.items() if each.get("default") is not None}
        return defaults | {name: value for name, value in given.items() if name in self.properties}


class Asking(BaseModel):
    """All that a tool asks at one time, and the answers as far as they are there.

    `source` is who asks, for the person; `state` is the tool's own and goes back to it as it is. `given` holds the
    values by the keys of the inquiries and the names in their forms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    inquiries: tuple[Inquiry, ...]
    state: str = ""
    given: dict[str, dict[str, Any]] = {}
    refused: Refusal | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the tool can go on with what is there."""
        if self.refused:
            return True
        return all(
            each.key in self.given and self.given[each.key].keys() >= set(each.required) for each in self.inquiries
        )

    @property
    def opens_pages(self) -> bool:
        return any(each.url for each in self.inquiries)

    def asks_the_same(self, other: "Asking") -> bool:
        """Whether the answers to one are those to the other."""
        return (self.source, self.inquiries) == (other.source, other.inquiries)
