"""`errand dossier`: finds a turn on record."""

from bot.settings import Settings, redaction_of
from orchestrator.account import Account, account_of
from orchestrator.errors import BadInput
from storage.looking import looking
from storage.records import TurnRecord
from storage.store import Store


async def account(settings: Settings, turn: str | None) -> Account:
    """The account of this turn, or of the newest one. Raises BadInput, StorageError."""
    async with looking(settings.database) as store:
        record = await turn_named(store, turn) if turn else await _newest(store)
        return await account_of(store, record, redaction_of(settings))


async def turn_named(store: Store, turn: str) -> TurnRecord:
    """A finished turn. Raises BadInput."""
    if record := await store.turn(turn):
        return record
    raise BadInput(f"There is no finished turn {turn!r} in {store.url}. `errand dossier --last` tells the newest one.")


async def _newest(store: Store) -> TurnRecord:
    if newest := await store.recent_turns(last=1):
        return newest[0]
    raise BadInput(f"There is no turn yet in {store.url}. `errand chat` begins one.")
