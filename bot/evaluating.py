"""`errand eval`: how well something did, by what is on record."""

import json
from collections.abc import Sequence

from bot.settings import Settings
from orchestrator.outcomes import FEWEST, Chosen, Row, Share, advice, chosen_turns, rows
from orchestrator.telling import money
from storage.looking import looking

HEADS = (
    "request",
    "decided by",
    "turns",
    "answered",
    "asked back",
    "declined",
    "failed",
    "rated good",
    "rated bad",
    "asked again",
    "plan kept",
    "seconds",
    "cost",
)


async def routing(settings: Settings, *, last: int) -> list[Chosen]:
    """Those of the newest turns for which a chain was chosen. Raises StorageError."""
    async with looking(settings.database) as store:
        return await chosen_turns(store, last=last)


def as_data(turns: Sequence[Chosen]) -> str:
    """Rows and advice as JSON."""
    data = {"rows": [row.model_dump(mode="json") for row in rows(turns)], "advice": advice(turns)}
    return json.dumps(data, ensure_ascii=False, indent=2)


def told(turns: Sequence[Chosen]) -> str:
    """A table with the shares' 95 % intervals, and what it says about the thresholds."""
    if not turns:
        return "No chain was chosen in any of these turns."
    table = [HEADS, ("---",) * len(HEADS), *map(_cells, rows(turns))]
    nothing = f"Nothing is claimed about the thresholds: it takes {FEWEST} turns of a kind, and a clear difference."
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    return "\n".join([*lines, "", *(advice(turns) or [nothing])])


def _cells(row: Row) -> tuple[str, ...]:
    shares = (row.answered, row.asked_back, row.declined, row.failed, row.good, row.bad, row.asked_again)
    cost = money(row.cost_usd) + (f" ({row.unpriced} unknown)" if row.unpriced < row.turns and row.unpriced else "")
    kept = "" if row.adherence is None else f"{row.adherence:.0%}"
    return (row.level, row.decided, str(row.turns), *map(_share, shares), kept, f"{row.seconds:.2f}", cost)


def _share(share: Share) -> str:
    return f"{share.count} ({share.low:.0%} to {share.high:.0%})"
