"""What people ask for and nothing here can do: kept without their names, and grouped by what it is about.

The groups are made of words alone, the same ones of the same requests whatever their order. A word that few requests
have is more likely a value (a city, a date) than the subject, so it weighs less: count / (count + 1).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.messages import Frozen
from orchestrator.plan import Refuse
from orchestrator.redaction import Redaction
from orchestrator.sessions import Talk
from orchestrator.tools.search import STOP_WORDS, words_of
from storage.changes import declining
from storage.records import Change, Declined

LONGEST = 300  # characters of a request that are kept
EXAMPLES = 3
NEAR = 0.45  # cosine from which on a request is about the same; 0.4 to 0.5 keep the topics of the tests apart, 0.3 not
PERSONAL = re.compile(
    r"(?P<address>[\w.+-]+@[\w-]+\.[\w.-]+)|(?P<handle>(?<!\w)@\w{3,})|(?P<number>\+?\d[\d ()/.-]{6,}\d)"
)
ENDINGS = re.compile(r"(?:ungen|ings?|ung|tion|ern|est|ed|en|er|em|es|ly|e|n|s|t)$")
LITTLE = STOP_WORDS | frozenset(
    words_of(
        "want need like just tell give get let now today tomorrow tonight also much many about hello hi hey thank "
        "ich du er sie es wir ihr mich mir dich dir uns euch mein dein ein eine einen einem einer der die das den dem "
        "des und oder aber nicht kein keine bitte kann kannst könnte könntest soll will möchte würde ist sind war hat "
        "habe für von mit nach bei zu zum zur im in am an auf aus wie was wer wo wann welche welcher heute morgen mal "
        "noch auch doch danke hallo"
    )
)

Vector = Mapping[str, float]


def without_names(text: str) -> str:
    """The text without addresses, handles and telephone numbers, cut to what is kept."""
    return PERSONAL.sub(lambda found: f"[{found.lastgroup}]", " ".join(text.split()))[:LONGEST]


def wished(talk: Talk, refusal: Refuse, redaction: Redaction) -> tuple[Change, ...]:
    """The change that writes down what was asked for in vain; none where there were no words."""
    text = without_names(str(redaction.value(talk.text)))
    if not text:
        return ()
    return (declining(talk.arrived.channel, talk.inbound.person.id, text, reason=refusal.reason[:LONGEST]),)


class Insight(Frozen):
    """Requests that are about the same: how many, of how many people, when the last one came, and some of them, the
    most typical first. `name` would suit a tool; `ids` are those of the requests."""

    count: int
    people: int
    last_seen: datetime
    name: str
    examples: tuple[str, ...]
    reasons: tuple[str, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Requests that come to the same words."""

    words: tuple[str, ...]
    requests: tuple[Declined, ...]
    vector: Vector


def insights(declined: Iterable[Declined]) -> list[Insight]:
    """The groups of these requests, the largest first."""
    groups = _grouped(_wishes(declined))
    found = [_insight(group) for group in groups]
    return sorted(found, key=lambda each: (-each.count, -each.last_seen.timestamp(), each.ids))


def stems(text: str) -> tuple[str, ...]:
    """The telling words of a request without their endings, in their order."""
    telling = (word for word in words_of(text) if word not in LITTLE and not word.isdecimal())
    return tuple(dict.fromkeys(map(_stem, telling)))


def _stem(word: str) -> str:
    short = ENDINGS.sub("", word)
    return short if len(short) >= 3 else word


def _wishes(declined: Iterable[Declined]) -> list[_Wish]:
    """The different requests, the most frequent first."""
    same: dict[tuple[str, ...], list[Declined]] = {}
    for each in declined:
        same.setdefault(tuple(sorted(stems(each.text))), []).append(each)
    counts = Counter(word for words, requests in same.items() for word in words for _ in requests)
    wishes = [
        _Wish(words, tuple(requests), _unit({word: counts[word] / (counts[word] + 1) for word in words}))
        for words, requests in same.items()
    ]
    return sorted(wishes, key=lambda wish: (-len(wish.requests), wish.words))


class _Middle:
    """What a group's requests are about, on the whole."""

    def __init__(self) -> None:
        self._sum: dict[str, float] = {}
        self._length = 1.0

    def add(self, wish: _Wish) -> None:
        for word, weight in wish.vector.items():
            self._sum[word] = self._sum.get(word, 0.0) + weight * len(wish.requests)
        self._length = math.hypot(*self._sum.values()) or 1.0

    def likeness(self, wish: _Wish) -> float:
        """The cosine between a request and this."""
        return sum(weight * self._sum.get(word, 0.0) for word, weight in wish.vector.items()) / self._length


class _Middles:
    """The middles of all groups, found by their words."""

    def __init__(self) -> None:
        self._all: list[_Middle] = []
        self._having: dict[str, set[int]] = {}

    def nearest(self, wish: _Wish) -> int | None:
        """The place of the group that this is about, the older one of two that are as near."""
        places = {place for word in wish.words for place in self._having.get(word, ())}
        near = [(self._all[place].likeness(wish), -place) for place in places]
        likeness, place = max(near, default=(0.0, 0))
        return -place if likeness >= NEAR else None

    def add(self, wish: _Wish) -> None:
        """Let this be one of the nearest group, or the first one of a new group."""
        place = self.nearest(wish)
        if place is None:
            place = len(self._all)
            self._all.append(_Middle())
        self._all[place].add(wish)
        for word in wish.words:
            self._having.setdefault(word, set()).add(place)


def _grouped(wishes: Sequence[_Wish]) -> list[list[_Wish]]:
    """Each to the group whose middle is nearest; then once more, as the middles have moved meanwhile."""
    middles = _Middles()
    for wish in wishes:
        middles.add(wish)
    groups: dict[int, list[_Wish]] = {}
    for number, wish in enumerate(wishes):
        place = middles.nearest(wish)
        groups.setdefault(-1 - number if place is None else place, []).append(wish)
    return list(groups.values())


def _unit(vector: Vector) -> Vector:
    length = math.hypot(*vector.values())
    return {word: weight / length for word, weight in vector.items()} if length else vector


def _insight(group: Sequence[_Wish]) -> Insight:
    middle = _Middle()
    for wish in group:
        middle.add(wish)
    typical = sorted(group, key=lambda wish: (-middle.likeness(wish), wish.words))
    requests = sorted((each for wish in group for each in wish.requests), key=lambda each: each.id)
    return Insight(
        count=len(requests),
        people=len({each.person for each in requests}),
        last_seen=max(each.at for each in requests),
        name=_name(typical[0].requests[-1].text, [each.text for each in requests]),
        examples=tuple(dict.fromkeys(wish.requests[-1].text for wish in typical))[:EXAMPLES],
        reasons=tuple(dict.fromkeys(each.reason for each in reversed(requests) if each.reason))[:EXAMPLES],
        ids=tuple(each.id for each in requests),
    )


def _name(typical: str, texts: Sequence[str]) -> str:
    """The words of a request that most of these have, as the name of a tool."""
    having = Counter(stem for text in texts for stem in stems(text))
    words = [word for word in words_of(typical) if having[_stem(word)] * 2 >= len(texts) and word not in LITTLE]
    plain = [word for word in dict.fromkeys(words) if re.fullmatch(r"[a-z][a-z0-9]*", word)]
    return "_".join(plain[:3]) or "wish"
