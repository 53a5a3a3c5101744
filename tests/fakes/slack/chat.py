"""A conversation, or one thread of it, as a test sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from tests.fakes.slack.rooms import Room, Session, Shown
from tests.fakes.slack.sessions import STOPPED
from tests.fakes.slack.state import State
from tests.fakes.slack.transcript import transcript

if TYPE_CHECKING:
    from tests.fakes.slack.people import User

T = TypeVar("T")
LONGEST_WAIT = 30.0  # seconds


class Somebody(Protocol):
    """A person, as far as a conversation needs one."""

    @property
    def id(self) -> str: ...


class Chat:
    """Direct messages, a channel, or a thread in one of them."""

    def __init__(self, state: State, room: Room, thread_ts: str | None = None) -> None:
        self._state = state
        self.room = room
        self.thread_ts = thread_ts

    @property
    def id(self) -> str:
        return self.room.id

    @property
    def messages(self) -> list[Shown]:
        """What is there, in its order; of a conversation all threads too."""
        return self.room.in_thread(self.thread_ts) if self.thread_ts else self.room.there()

    @property
    def from_bot(self) -> list[Shown]:
        """What the app said."""
        bot: User | None = self._state.bot_in(self.room)
        return [each for each in self.messages if bot and each.sender == bot.id]

    @property
    def session(self) -> str | None:
        """active, processing, suspended or closed."""
        return self._session.state

    @property
    def states(self) -> list[str]:
        """Everything that the session has been."""
        return [value for _, value in self._session.states]

    @property
    def status(self) -> str:
        """What the app says that it is doing."""
        return self._session.status_at(self._state.clock())

    @property
    def statuses(self) -> list[str]:
        return [words for _, words in self._session.statuses]

    @property
    def loading(self) -> list[str]:
        return list(self._session.loading)

    @property
    def title(self) -> str:
        return self._session.title

    @property
    def prompts(self) -> list[tuple[str, str]]:
        """Suggestions: what stands on each, and what is said when it is chosen."""
        return list(self._session.prompts)

    @property
    def stoppable(self) -> bool:
        """Whether there is a Stop button."""
        return self.session == "processing" and STOPPED in self._state.subscribed

    def thread(self, message: Shown | str) -> "Chat":
        """The thread that a message is in or begins."""
        ts = message if isinstance(message, str) else message.thread_ts or message.ts
        return Chat(self._state, self.room, ts)

    def transcript(self, person: Somebody | None = None) -> str:
        """What people see; with a person what this one sees."""
        return transcript(self._state, self.room, self.thread_ts, person.id if person else None)

    def ephemerals(self, person: Somebody) -> list[Shown]:
        """What only this person sees."""
        mine = [each for each in self.room.ephemerals if each.ephemeral_for == person.id and not each.deleted]
        return [each for each in mine if self.thread_ts in (None, each.thread_ts)]

    async def shows(self, text: str, *, after: Shown | None = None, seconds: float = LONGEST_WAIT) -> Shown:
        """The app's message that holds these words, the latest one; behind `after` where it is given. Raises
        AssertionError with the transcript when it does not come."""

        def found() -> Shown | None:
            later = [each for each in self.from_bot if after is None or each.ts > after.ts]
            return next((each for each in reversed(later) if text in each.text), None)

        return await self._until(found, f"nothing with {text!r}", seconds)

    async def shows_to(self, person: Somebody, text: str, *, seconds: float = LONGEST_WAIT) -> Shown:
        """What only this person sees, once it holds these words."""

        def found() -> Shown | None:
            return next((each for each in reversed(self.ephemerals(person)) if text in each.text), None)

        return await self._until(found, f"nothing with {text!r} for {person.id}", seconds)

    async def until(self, seen: Callable[["Chat"], object], *, seconds: float = LONGEST_WAIT) -> None:
        """Wait until a person sees it."""
        await self._until(lambda: True if seen(self) else None, "it did not come", seconds)

    @property
    def _session(self) -> Session:
        return self.room.session(self.thread_ts)

    async def _until(self, found: Callable[[], T | None], words: str, seconds: float) -> T:
        def failing() -> str:
            return f"{words} in:\n{self.transcript()}\nproblems: {self._state.problems}"

        return await self._state.changes.until(found, seconds=seconds, failing=failing)
