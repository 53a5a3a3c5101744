"""What comes of something that a person did: the app's acknowledgement, and what it said to it."""

from collections.abc import Callable
from typing import Any

from tests.fakes.slack.deliveries import Delivery
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused
from tests.fakes.slack.responses import answer_command
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.state import State, View
from tests.fakes.slack.viewing import push, replace

LONGEST_WAIT = 30.0  # seconds


class Acted:
    """A person did something, and the app was told."""

    def __init__(self, state: State, delivery: Delivery, then: Callable[[Any], None] = lambda payload: None) -> None:
        self._state = state
        self._delivery = delivery
        self._then = then
        self.errors: dict[str, str] = {}  # what is wrong with a form, by the label of its field
        state.background.start(self._follow())

    @property
    def delivery(self) -> Delivery:
        return self._delivery

    @property
    def delay(self) -> float | None:
        """Real seconds until the app acknowledged it."""
        return self._delivery.delay

    @property
    def payload(self) -> Any:
        """What the app said in its acknowledgement."""
        return self._delivery.payload

    @property
    def timed_out(self) -> bool:
        """Whether the person saw that the app did not answer."""
        return self._delivery.timed_out

    @property
    def trigger_id(self) -> str:
        return str(self._delivery.body["trigger_id"])

    async def acked(self) -> "Acted":
        """Wait for the acknowledgement. Raises AssertionError."""
        await self._until(lambda: self._delivery.acked, "not acknowledged")
        return self

    async def responded(self, text: str = "") -> Shown:
        """What the app said to it by its response URL or its acknowledgement, once it holds these words. Raises
        AssertionError."""
        key = str(self._delivery.body.get("response_url", "")).split("/response/")[-1]
        url = self._state.response_urls[key]

        def found() -> Shown | None:
            return next((each for each in reversed(url.answers) if text in each.text), None)

        failing = f"{self._delivery.name}: no response with {text!r}; problems: {self._state.problems}"
        return await self._state.changes.until(found, seconds=LONGEST_WAIT, failing=lambda: failing)

    async def failed(self) -> "Acted":
        """Wait until the person sees that the app does not answer. Raises AssertionError."""
        await self._until(lambda: self._delivery.timed_out, "it has not failed")
        return self

    async def _follow(self) -> None:
        """Do what the acknowledgement says."""
        while not self._delivery.acked:
            await self._state.changes.next()
        self._then(self._delivery.payload)
        self._state.changes.tell()

    async def _until(self, is_so: Callable[[], bool], words: str) -> None:
        failing = f"{self._delivery.name}: {words}; problems: {self._state.problems}"
        await self._state.changes.until(lambda: is_so() or None, seconds=LONGEST_WAIT, failing=lambda: failing)


def commanded(state: State, delivery: Delivery) -> Acted:
    """A slash command: its acknowledgement may say something."""

    def then(payload: Any) -> None:
        try:
            answer_command(state, delivery, payload)
        except Refused as refused:
            state.problems.append(f"{delivery.name}: its acknowledgement is refused: {refused.error}")

    return Acted(state, delivery, then)


def submitted(state: State, delivery: Delivery, view: View) -> Acted:
    """A form that was sent off: the acknowledgement closes it, or says what is wrong, or shows another one."""

    def then(payload: Any) -> None:
        try:
            _respond(state, view, payload or {}, acted)
        except Refused as refused:
            state.problems.append(f"view_submission: its acknowledgement is refused: {refused.body}")

    acted = Acted(state, delivery, then)
    return acted


def _respond(state: State, view: View, payload: Wire, acted: Acted) -> None:
    stack = state.modals[view.owner]
    match payload.get("response_action"):
        case "errors":
            acted.errors = {_label(state, view, block): words for block, words in payload["errors"].items()}
        case "update":
            replace(state, view, payload["view"])
        case "push":
            install = state.teams[state.users[view.owner].team_id].install
            assert install, "the app is gone"
            push(state, payload["view"], view.owner, install.bot)
        case "clear":
            stack.clear()
        case None if view in stack:
            stack.remove(view)


def _label(state: State, view: View, block_id: str) -> str:
    for block in view.wire["blocks"]:
        if block["block_id"] == block_id and block["type"] == "input":
            return str(block["label"]["text"])
    state.problems.append(f"view_submission: there is no input block {block_id!r}")
    return block_id
