"""Goods sorted into categories by a small model, in one call for all of them."""

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.chains import Chain
from orchestrator.errors import NoModelAnswered
from orchestrator.models import ChatMessage
from orchestrator.overheard import overheard
from orchestrator.prompts import prompt
from orchestrator.quoting import enclosed
from orchestrator.tools.receipts.categories import CATEGORIES

MOST = 80  # names of one call; more stand on no receipt that a phone can show
SCHEMA = {
    "type": "object",
    "properties": {"categories": {"type": "array", "items": {"type": "string", "enum": list(CATEGORIES)}}},
    "required": ["categories"],
    "additionalProperties": False,
}


class Sorted(BaseModel):
    """What the model is to say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    categories: tuple[str, ...]


class Sorting:
    """Asks the chain of the workers, which is where a small model is."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def __call__(self, names: Sequence[str]) -> Sequence[str]:
        """A category for each name, in their order; empty where no model gives them all."""
        if len(names) > MOST:
            return ()
        goods = enclosed("goods", json.dumps(list(names), ensure_ascii=False))
        messages = [ChatMessage("system", prompt("categories")), ChatMessage("user", goods)]
        try:
            reply = await self._chain.reply(messages, schema=SCHEMA, note=overheard)
            told = Sorted.model_validate_json(reply.text)
        except (NoModelAnswered, ValidationError):
            return ()
        return told.categories if len(told.categories) == len(names) else ()
