"""Words that a person adds to a turn that runs, where the settings let them steer it."""

from dataclasses import dataclass, field

from orchestrator.messages import Inbound, Message
from storage.records import Arrived

Added = tuple[Arrived, Message]


@dataclass(slots=True)
class Steering:
    """What was said since the turn began, by the person whose turn it is.

    The turn takes it between its steps and its answer. What it has taken ends together with it; what it has not is an
    ordinary next message.
    """

    person: str
    taken: list[Added] = field(default_factory=list)
    _offered: list[Added] = field(default_factory=list)

    def offer(self, arrived: Arrived, inbound: Inbound) -> None:
        """Let the turn have this, if it is its person's words. What comes with a file is worked on by itself."""
        if isinstance(inbound, Message) and inbound.person.id == self.person and not inbound.attachments:
            self._offered.append((arrived, inbound))

    def take(self) -> str:
        """What was added since the last time; empty where nothing was."""
        added, self._offered = self._offered, []
        self.taken += added
        return "\n".join(message.text for _, message in added)
