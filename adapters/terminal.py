"""A console with a person in front of it: what goes on stands above a prompt that stays usable."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, merge_formatted_text
from prompt_toolkit.input.defaults import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import CompleteStyle

from adapters.base import DeliveryError
from adapters.face import Interrupted
from orchestrator.messages import Delivery, Draft, Live, PlanCard, Status

if TYPE_CHECKING:
    from adapters.terminal_view import View

PROMPT = "> "
REDRAW_SECONDS = 0.05  # at least between two redraws: a model writes faster than people read
keys = KeyBindings()


class Terminal:
    """A person's terminal. Live parts stand above the prompt and are drawn anew; final parts are printed, once."""

    is_interactive = True

    def __init__(self, source: TextIO, target: TextIO, *, words: Sequence[str]) -> None:
        self._target = target
        self._card: PlanCard | None = None
        self._draft = ""
        self._status = ""
        self._turn = ""
        self._ended_turn = ""
        self._moment: str | None = ""
        self._session: PromptSession[str] = PromptSession(
            self._message,
            input=create_input(source),
            output=create_output(target),
            multiline=True,
            prompt_continuation=" " * len(PROMPT),
            completer=WordCompleter(list(words), sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            enable_suspend=True,
            key_bindings=keys,
        )
        self._session.app.min_redraw_interval = REDRAW_SECONDS

    @contextmanager
    def opened(self) -> Iterator[None]:
        with patch_stdout(raw=True):  # for what others print
            yield

    async def read(self, default: str = "") -> str:
        self._session.app.erase_when_done = False
        try:
            return await self._session.prompt_async(default=default, set_exception_handler=False)
        except KeyboardInterrupt:
            raise Interrupted(self._session.default_buffer.text) from None

    async def tell(self, text: str) -> None:
        await self._print(self._view.aside(text, width=self._width))

    async def show(self, turn: str, part: Live) -> None:
        if turn == self._ended_turn:
            return
        if turn != self._turn:
            self._clear(turn)
        match part:
            case PlanCard():
                self._card = part
            case Draft(text=text):
                self._draft, self._status = text, ""
            case Status(text=text):
                self._status = text
        self._moment = None
        self._session.app.invalidate()

    async def deliver(self, delivery: Delivery) -> None:
        card = self._card if delivery.turn == self._turn else None
        if delivery.turn == self._turn:
            self._clear("")
        self._ended_turn = delivery.turn
        await self._print(self._view.delivery(delivery, card, width=self._width))

    @cached_property
    def _view(self) -> "View":
        from adapters.terminal_view import View  # noqa: PLC0415 - the prompt stands before rich is loaded

        return View(self._target)

    @property
    def _width(self) -> int:
        return self._session.output.get_size().columns

    def _message(self) -> AnyFormattedText:
        """The prompt below what goes on right now; without that in the line that stays on the screen."""
        if self._session.app.is_done:
            return PROMPT
        if self._moment is None:
            size = self._session.output.get_size()
            self._moment = self._view.moment(
                self._card, self._draft, self._status, width=size.columns, height=size.rows // 2
            )
        return merge_formatted_text([ANSI(self._moment), PROMPT])

    def _clear(self, turn: str) -> None:
        self._turn, self._card, self._draft, self._status, self._moment = turn, None, "", "", ""

    async def _print(self, text: str) -> None:
        encoding = self._target.encoding
        text = text.encode(encoding, "replace").decode(encoding)

        def write() -> None:
            self._target.write(text)
            self._target.flush()

        try:
            await run_in_terminal(write)
        except OSError as error:
            raise DeliveryError("the terminal is gone", gone=True) from error


@keys.add("enter")
def _send(event: KeyPressEvent) -> None:
    """Enter sends; behind a backslash it makes a new line."""
    buffer = event.current_buffer
    if buffer.document.is_cursor_at_the_end and buffer.text.endswith("\\"):
        buffer.delete_before_cursor()
        buffer.newline(copy_margin=False)
    else:
        buffer.validate_and_handle()


@keys.add("escape", "enter")
def _new_line(event: KeyPressEvent) -> None:
    event.current_buffer.newline(copy_margin=False)


@keys.add("c-c")
@keys.add("<sigint>")
def _interrupt(event: KeyPressEvent) -> None:
    """Take the line off the screen; the next prompt shows it again."""
    event.app.erase_when_done = True
    event.app.exit(exception=KeyboardInterrupt)
