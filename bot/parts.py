"""What a running Errand is made of, in one hand: build() makes it, and whoever needs several of them is given all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.chains import Chains
from bot.settings import Settings
from orchestrator.approving import Approving
from orchestrator.budgets import Budgets
from orchestrator.cases import Cases
from orchestrator.coming import Diary
from orchestrator.people import People
from orchestrator.roster import Roster
from orchestrator.tools.catalog import Catalog
from storage.files import FileStore
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """Each is open, or connected, for as long as the Errand runs. `now` is its clock."""

    settings: Settings
    store: Store
    files: FileStore
    catalog: Catalog
    chains: Chains
    roster: Roster
    people: People
    budgets: Budgets
    cases: Cases
    approving: Approving
    diary: Diary
    now: Callable[[], datetime]
