"""Two terminals: one with a person in front of it, and one that is a pipe."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Protocol, TextIO

from adapters.terminal_view import safe

PROMPT = "> "


class Interrupted(Exception):
    """The person pressed Ctrl-C."""


class Terminal(Protocol):
    """Where a console reads lines and writes text."""

    waits_for_replies: bool
    """Whether the next line is read only after the reply to the last one."""

    def lines(self) -> AsyncIterator[str]:
        """What is typed, until the end of the input. Ctrl-C is an empty-handed `Interrupted`."""
        ...

    def write(self, text: str, *, markdown: bool = False) -> None: ...

    def status(self, text: str) -> None:
        """Something that lasts a moment. Empty: nothing any more."""
        ...

    def offer(self, text: str) -> None:
        """Put words that were not taken back to the person."""
        ...


class Pipe:
    """Lines in, lines out: for scripts, and for text on standard input."""

    waits_for_replies = True

    def __init__(self, source: TextIO, target: TextIO, *, echo: bool = False) -> None:
        self._source = source
        self._target = target
        self._echo = echo

    async def lines(self) -> AsyncIterator[str]:
        while line := await asyncio.to_thread(self._source.readline):
            if self._echo:
                self.write(f"{PROMPT}{line.rstrip()}")
            yield line.rstrip("\n")

    def write(self, text: str, *, markdown: bool = False) -> None:
        encoding = self._target.encoding or "utf-8"
        self._target.write(f"{text}\n".encode(encoding, "replace").decode(encoding))
        self._target.flush()

    def status(self, text: str) -> None:
        """A pipe has no moments."""

    def offer(self, text: str) -> None:
        """The words are still where they came from."""


class Screen:
    """A person's terminal. The prompt stays usable while a turn runs; what it shows is printed above.

    Its packages are imported when it is made: a pipe needs neither.
    """

    waits_for_replies = False

    def __init__(self, words: Callable[[], list[str]]) -> None:
        from prompt_toolkit import PromptSession  # noqa: PLC0415
        from prompt_toolkit.completion import WordCompleter  # noqa: PLC0415
        from prompt_toolkit.history import InMemoryHistory  # noqa: PLC0415
        from rich.console import Console as Rich  # noqa: PLC0415

        self._status = ""
        self._offered = ""
        self._rich_class = Rich
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=InMemoryHistory(),
            completer=WordCompleter(words, sentence=True),
            complete_while_typing=False,
            bottom_toolbar=lambda: self._status or None,
            multiline=False,
            key_bindings=_new_line_keys(),
        )

    async def lines(self) -> AsyncIterator[str]:
        from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415

        with patch_stdout(raw=True):
            while True:
                offered, self._offered = self._offered, ""
                try:
                    yield await self._session.prompt_async(default=offered)
                except EOFError:
                    return
                except KeyboardInterrupt:
                    yield "\x03"

    def write(self, text: str, *, markdown: bool = False) -> None:
        rich = self._rich_class(file=sys.stdout, force_terminal=True)
        shown: Any = text
        if markdown:
            from rich.markdown import Markdown  # noqa: PLC0415

            shown = Markdown(text, hyperlinks=False)
        rich.print(shown, markup=False, highlight=False)

    def status(self, text: str) -> None:
        self._status = safe(text).replace("\n", " ")[-200:]
        with suppress(AttributeError):  # no prompt is on the screen right now
            self._session.app.invalidate()

    def offer(self, text: str) -> None:
        self._offered = text


def _new_line_keys() -> Any:
    """Alt-Enter makes a new line, Enter sends."""
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def new_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return keys
