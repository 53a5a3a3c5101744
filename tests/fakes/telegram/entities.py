"""Entities of a text, with offsets in UTF-16 units: what the server finds by itself, and what it takes from a bot.

The rules and their words are those of tdlib's MessageEntity.cpp, read 2026-11.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.telegram.refusals import bad_request

Entity = dict[str, Any]

LARGEST = 1_000_000  # units, of an offset or a length
SHOWN_ENTITIES = 100  # of one message; further ones are ignored
SOLID = ("code", "pre")  # nothing is inside them
FOUND = {
    "bot_command": re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])"),
    "mention": re.compile(r"(?<![\w@/])@[A-Za-z0-9_]{4,32}\b"),
    "hashtag": re.compile(r"(?<![\w#])#\w*[^\W\d]\w*"),
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]"),
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
}


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def part(text: str, entity: Mapping[str, Any]) -> str:
    """The words that an entity marks."""
    encoded = text.encode("utf-16-le")
    return encoded[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")


def found_in(text: str) -> list[Entity]:
    """Commands, mentions, tags and links, as a server finds them. The first one wins where two overlap."""
    found: list[Entity] = []
    for kind, pattern in FOUND.items():
        for match in pattern.finditer(text):
            entity = {"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])}
            if not any(_overlap(entity, other) for other in found):
                found.append(entity)
    return sorted(found, key=_order)


def accepted(text: str, given: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """The text, trimmed, and its entities as they are shown: those given and those found beside them."""
    _check(text, given)
    trimmed = text.strip()
    skipped = units(text[: len(text) - len(text.lstrip())])
    kept = list(_apart([moved for each in given if (moved := _moved(each, -skipped, units(trimmed)))]))
    found = [each for each in found_in(trimmed) if not any(_overlap(each, other) for other in kept)]
    return trimmed, sorted([*kept, *found], key=_order)


def _check(text: str, given: Iterable[Entity]) -> None:
    edges, end = _edges(text), units(text)
    for entity in given:
        offset, length = entity["offset"], entity["length"]
        if not 0 <= offset <= LARGEST:
            raise bad_request(f"receive an entity with incorrect offset {offset}")
        if not 0 <= length <= LARGEST:
            raise bad_request(f"receive an entity with incorrect length {length}")
        if offset + length > end:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
            )
        if offset not in edges:
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {_bytes(text, offset)}")
        if offset + length not in edges:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol at byte offset "
                f"{_bytes(text, offset + length)}"
            )


def _edges(text: str) -> set[int]:
    """Where symbols begin and end."""
    edges, at = {0}, 0
    for symbol in text:
        at += units(symbol)
        edges.add(at)
    return edges


def _bytes(text: str, offset: int) -> int:
    """The UTF-8 offset of the symbol that an UTF-16 offset is in."""
    return len(text.encode("utf-16-le")[: 2 * offset].decode("utf-16-le", "ignore").encode())


def _moved(entity: Entity, by: int, end: int) -> Entity | None:
    """The entity in the trimmed text, None where nothing is left of it."""
    start = max(entity["offset"] + by, 0)
    length = min(entity["offset"] + by + entity["length"], end) - start
    return {**entity, "offset": start, "length": length} if length > 0 else None


def _apart(entities: Iterable[Entity]) -> Iterator[Entity]:
    """Entities that lie beside or inside each other: what sticks out of another one is cut in two."""
    waiting, taken = sorted(entities, key=_order), list[Entity]()
    while waiting:
        entity = waiting.pop(0)
        around = [other for other in taken if _overlap(entity, other)]
        if any(other["type"] in SOLID for other in around):
            continue
        end = min([_end(other) for other in around], default=_end(entity))
        if end < _end(entity):
            waiting.append({**entity, "offset": end, "length": _end(entity) - end})
            waiting.sort(key=_order)
            entity = {**entity, "length": end - entity["offset"]}
        taken.append(entity)
        yield entity


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < _end(other) and other["offset"] < _end(one))


def _end(entity: Entity) -> int:
    return int(entity["offset"] + entity["length"])


def _order(entity: Entity) -> tuple[int, int]:
    return entity["offset"], -entity["length"]
