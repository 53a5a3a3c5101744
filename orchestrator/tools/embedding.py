"""Search by meaning beside the search by words, where an embedder is plugged in: both orders become one."""

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import mul
from typing import Protocol

from orchestrator.tools.spec import ToolSpec

log = logging.getLogger(__name__)

RANK_OFFSET = 60  # Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion": 1 / (60 + rank), summed
BATCH = 64  # tools that are embedded at once
Vector = Sequence[float]


class Embedder(Protocol):
    """Whatever turns texts into vectors whose angles say how near they are: a local model, or a provider's."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        """A vector a text, in their order, all of one length."""
        ...


class Meanings:
    """The vectors of all tools that were ever searched, made once for each text."""

    def __init__(self, embedder: Embedder, *, seconds: float) -> None:
        self._embedder = embedder
        self._seconds = seconds
        self._vectors: dict[str, Vector] = {}

    async def fused(self, query: str, by_words: Sequence[ToolSpec], specs: Sequence[ToolSpec]) -> list[ToolSpec]:
        """All tools, best first: the nearer a tool is to the top of either order, the better.

        Where the embedder fails, or needs more than its `seconds`, words alone decide. What it has done by then is
        kept, so a large catalogue is embedded over its first few searches.
        """
        try:
            async with asyncio.timeout(self._seconds):
                by_meaning = await self._by_meaning(query, specs)
        except Exception as error:  # noqa: BLE001 - an edge: the embedder is the operator's own code
            log.warning("tools were searched by words alone", extra={"reason": repr(error)})
            return list(by_words)
        scores = {spec.name: 0.0 for spec in specs}
        for order in (by_words, by_meaning):
            for rank, spec in enumerate(order, 1):
                scores[spec.name] += 1 / (RANK_OFFSET + rank)
        return sorted(specs, key=lambda spec: -scores[spec.name])

    async def _by_meaning(self, query: str, specs: Sequence[ToolSpec]) -> list[ToolSpec]:
        texts = {spec.name: text_of(spec) for spec in specs}
        new = iter([text for text in dict.fromkeys(texts.values()) if text not in self._vectors])
        for batch in _batches(new):
            vectors = await self._embedder.embed(batch)
            self._vectors.update(zip(batch, map(_unit, vectors), strict=True))
        wanted = _unit((await self._embedder.embed([query]))[0])
        near = {name: sum(map(mul, wanted, self._vectors[text])) for name, text in texts.items()}
        return sorted(specs, key=lambda spec: -near[spec.name])


def text_of(spec: ToolSpec) -> str:
    """What is embedded of a tool: the words of its name, and its description."""
    return f"{spec.name.replace('_', ' ')}: {spec.description}"


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, BATCH)):
        yield batch


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0
    return [part / length for part in vector]
