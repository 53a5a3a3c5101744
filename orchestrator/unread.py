"""OpenAI's client without its types: a streamed answer as the JSON that it is.

Sending, deadlines and errors stay the client's. What is left out is that it walks through every request by type (2 ms
for 25 tools), and makes typed objects of every piece of an answer: a quarter of the processor time of a short one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any


class Piece(dict[str, Any]):
    """A JSON object that has its names as attributes too, and None for every other name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _readable(self.get(name))

    @classmethod
    def build(cls, *, response: Any, data: Any) -> Any:
        """What the client calls for each piece of a stream, by its ModelBuilderProtocol."""
        return _readable(data)


def unread(client: Any) -> Any:
    """What agno asks of a client of OpenAI's, `chat.completions.create`, with streams of Pieces. Of the client's
    options it takes `extra_headers`, `extra_query` and `extra_body`."""

    async def create(*, stream: bool = False, **request: Any) -> Any:
        from openai import AsyncStream  # noqa: PLC0415 - an extra, and its import is slow
        from openai.types.chat import ChatCompletion  # noqa: PLC0415

        headers, query, extra = (request.pop(f"extra_{name}", None) or {} for name in ("headers", "query", "body"))
        answer = await client.post(
            "/chat/completions",
            body={**request, **({"stream": True} if stream else {}), **extra},
            options={"headers": headers, "params": query, "security": {"bearer_auth": True}},
            cast_to=Piece if stream else ChatCompletion,
            stream=stream,
            stream_cls=AsyncStream[Piece],
        )
        return closing(answer) if stream else answer

    return chat_client(create)


def chat_client(create: Callable[..., Awaitable[Any]]) -> Any:
    """In the shape of OpenAI's client, so much of it as agno uses."""
    return SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))


async def closing(stream: Any) -> AsyncIterator[Any]:
    """A stream that is closed at its end, and as soon as nobody reads it any more: clients leave that to the garbage
    collector, and the provider goes on writing meanwhile."""
    async with stream:
        async for piece in stream:
            yield piece


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Piece(value)
    return [_readable(each) for each in value] if isinstance(value, list) else value
