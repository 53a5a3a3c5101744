"""How many messages a minute one person may send."""

from collections import defaultdict, deque
from datetime import datetime, timedelta

from orchestrator.words import say
from storage.records import Arrived

MINUTE = timedelta(minutes=1)


class Pace:
    """Counts the messages of each person. It forgets at a restart, which gives nobody more than one minute's worth.

    `most` is how many a person may send in a minute; 0: any number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: defaultdict[str, deque[tuple[datetime, str]]] = defaultdict(deque)  # 1,000 people are about 1 MB

    def problem(self, person: str, arrived: Arrived) -> str | None:
        """Why this message is not worked on just now, in a sentence that says when it would be. Else it counts."""
        if not self._most:
            return None
        taken, at = self._taken[f"{arrived.channel}:{person}"], arrived.received_at
        while taken and abs(at - taken[0][0]) >= MINUTE:  # the clock may have been set back
            taken.popleft()
        if any(turn == arrived.turn for _, turn in taken):  # it is begun anew
            return None
        if len(taken) < self._most:
            taken.append((at, arrived.turn))
            return None
        seconds = max(1, round((taken[0][0] + MINUTE - at).total_seconds()))
        return say(
            "You may send me {most} messages a minute, and this was one more. Please send it again in {seconds} s.",
            most=self._most,
            seconds=seconds,
        )
