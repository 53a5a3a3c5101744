"""Records to store, with everything that a test does not care about filled in."""

from datetime import UTC, datetime

from storage.records import Arrived, Conclusion, ModelCall, OpenQuestion, TurnRecord
from storage.store import Store

CHANNELS = ("console", "telegram", "slack", "fake")
SESSION = "console:me"
ADDRESS = '{"channel":"console","chat":"me"}'
NOW = datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC)


async def remember(store: Store, event_id: str, *, session: str = SESSION, payload: str = "{}") -> Arrived | None:
    return await store.remember(channel="console", event_id=event_id, session=session, address=ADDRESS, payload=payload)


async def arrive(store: Store, event_id: str, *, session: str = SESSION) -> str:
    """The name of the turn of a new event."""
    arrived = await remember(store, event_id, session=session)
    assert arrived is not None
    return arrived.turn


def record(turn: str, *, session: str = SESSION, outcome: str = "direct", at: datetime = NOW) -> TurnRecord:
    return TurnRecord(turn, session, "me", f"ask {turn}", outcome, f"answer {turn}", "{}", at, at)


def conclusion(
    turn: str,
    *,
    session: str = SESSION,
    outcome: str = "direct",
    shown: tuple[str, ...] = ("{}",),
    question: OpenQuestion | None = None,
    closes: str | None = None,
    model_calls: tuple[ModelCall, ...] = (),
    forget_history: bool = False,
    at: datetime = NOW,
) -> Conclusion:
    return Conclusion(
        record=record(turn, session=session, outcome=outcome, at=at),
        channel="console",
        address=ADDRESS,
        shown=shown,
        question=question,
        closes=closes,
        model_calls=model_calls,
        forget_history=forget_history,
    )


def question(id: str, *, session: str = SESSION, plan: str | None = None) -> OpenQuestion:  # noqa: A002 - its field
    return OpenQuestion(id, session, "me", plan, '{"kind":"question"}', NOW)


async def talk(store: Store, *outcomes: str, session: str = SESSION) -> list[str]:
    """One finished turn per outcome; their names."""
    names = []
    for place, outcome in enumerate(outcomes):
        names.append(await arrive(store, f"{session} {place}", session=session))
        await store.finish(conclusion(names[-1], session=session, outcome=outcome))
    return names
