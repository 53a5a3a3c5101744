"""The budget that our key has at a LiteLLM proxy, as the proxy tells it."""

from dataclasses import dataclass
from datetime import datetime

import httpx2
from pydantic import BaseModel, ValidationError

from orchestrator.errors import ModelUnreachable
from orchestrator.telling import money
from orchestrator.words import say

PATH = "/key/info"  # LiteLLM's proxy, Virtual Keys; docs.litellm.ai, read 2026-11
SECONDS = 5.0


class KeyBudget(BaseModel):
    """What our key has spent there, and may spend, in US dollars; None: as much as it likes."""

    spend: float
    max_budget: float | None = None
    budget_reset_at: datetime | None = None

    @property
    def percent(self) -> float | None:
        """How much of it is spent; None where there is no limit."""
        if self.max_budget is None:
            return None
        return 100 * self.spend / self.max_budget if self.max_budget else 100.0


class _KeyInfo(BaseModel):
    info: KeyBudget


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy at this address, which may end with "/v1" as models are asked there."""

    name: str
    address: str
    key: str

    async def budget(self) -> KeyBudget:
        """Raises ModelUnreachable, with the reason."""
        url = self.address.rstrip("/").removesuffix("/v1") + PATH
        try:
            async with httpx2.AsyncClient(timeout=SECONDS) as client:
                answer = await client.get(url, headers={"Authorization": f"Bearer {self.key}"})
                answer.raise_for_status()
            return _KeyInfo.model_validate_json(answer.content).info
        except httpx2.HTTPStatusError as error:
            raise ModelUnreachable(f"{self.name} answers {error.response.status_code}") from error
        except (httpx2.HTTPError, ValidationError) as error:
            raise ModelUnreachable(f"{self.name} cannot be read: {type(error).__name__}") from error

    async def told(self) -> str:
        """How far the key's budget is, in a line."""
        try:
            budget = await self.budget()
        except ModelUnreachable as error:
            return say("the budget at {name} is not known: {reason}", name=self.name, reason=error)
        if budget.max_budget is None or budget.percent is None:
            return say("at {name}: {spent}, without a limit", name=self.name, spent=money(budget.spend))
        used = f"{money(budget.spend)} / {money(budget.max_budget)} ({budget.percent:.0f} %)"
        if budget.budget_reset_at is None:
            return say("at {name}: {used}", name=self.name, used=used)
        anew = f"{budget.budget_reset_at:%Y-%m-%d}"
        return say("at {name}: {used}; it begins anew on {day}", name=self.name, used=used, day=anew)
