"""The whole of it: people and groups to make, what the bot did to look at, trouble to order."""

from collections.abc import Callable

from tests.fakes.telegram.person import LONGEST_WAIT, SUPERGROUP, Chat, Person
from tests.fakes.telegram.state import TOKEN, Room, State, User

GROUPS = -2000  # ids of groups lie below


class World(State):
    """A Telegram with one bot. `url` is where it listens."""

    url = ""
    token = TOKEN

    @property
    def api_url(self) -> str:
        """What a client takes for https://api.telegram.org/bot."""
        return f"{self.url}/bot"

    @property
    def file_url(self) -> str:
        """What a client takes for https://api.telegram.org/file/bot."""
        return f"{self.url}/file/bot"

    def person(self, name: str, *, language: str | None = None, username: str | None = None) -> Person:
        """Somebody new."""
        user = User(1000 + next(self.numbers), name, username, language)
        self.users[user.id] = user
        return Person(self, user)

    def group(self, title: str, owner: Person, *others: Person, topics: bool = False) -> Chat:
        """A group that the owner made, with the others, and added the bot to. One with topics is a supergroup."""
        number = GROUPS - next(self.numbers)
        room = Room(SUPERGROUP + number if topics else number, "supergroup" if topics else "group", title, forum=topics)
        room.members = {owner.id: "creator"} | {each.id: "member" for each in others}
        self.rooms[room.id] = room
        chat = Chat(self, room)
        chat.adds_the_bot()
        return chat

    async def until(self, is_so: Callable[[], object], *, words: str = "what did not come") -> None:
        """Wait until it is so. Raises AssertionError with what was waited for."""
        told = f"waited in vain for {words}; problems: {self.problems}"
        await self.changes.until(lambda: is_so() or None, seconds=LONGEST_WAIT, failing=lambda: told)

    def redeliver(self, update_id: int) -> None:
        """The bot gets an update once more, as if it had not confirmed it."""
        self.updates.redeliver(update_id)

    def reverse_next_batch(self) -> None:
        """The next answer to getUpdates that has several is in the wrong order."""
        self.updates.reverse_next = True

    @property
    def confirmed(self) -> list[int]:
        """The ids of the updates that the bot has had."""
        return [each for each in self.updates.every if each not in self.updates.pending]

    @property
    def last_update_id(self) -> int:
        return max(self.updates.every, default=0)
