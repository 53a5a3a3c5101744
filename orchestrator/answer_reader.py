"""Answers that the plain reader cannot read: one model call makes values of "tomorrow at noon, to Bob"."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from orchestrator.chains import Chain, Note
from orchestrator.errors import NoModelAnswered
from orchestrator.guard import is_supported
from orchestrator.models import ChatMessage
from orchestrator.plan import FindTool, argument_problems, references
from orchestrator.prompts import prompt
from orchestrator.questions import Blank, blanks
from orchestrator.sessions import Run


class AnswerReader:
    """Reads arguments, never a yes: an agreement is only what the plain reader takes for one."""

    def __init__(self, chain: Chain, *, now: Callable[[], datetime]) -> None:
        self._chain = chain
        self._now = now

    async def read(self, text: str, run: Run, *, find: FindTool, note: Note) -> dict[str, Any]:
        """The values by blank name that these words give, each one checked as a typed one is, and supported by them.

        Empty where they are no answer, and where no model answers. A question is taken for none without a call.
        """
        asked = {blank.name: blank for blank in blanks(run.plan, run.waiting) if blank.topic == "argument"}
        if not asked or text.strip().endswith("?"):
            return {}
        schemas = {name: _schema(blank, find) for name, blank in asked.items()}
        wanted = f"Now: {self._now():%A %Y-%m-%d %H:%M %Z}.\nValues: {json.dumps(schemas, ensure_ascii=False)}"
        messages = [ChatMessage("system", prompt("answers")), ChatMessage("user", f"{wanted}\nThey wrote: {text}")]
        try:
            reply = await self._chain.reply(messages, schema={"type": "object", "properties": schemas}, note=note)
        except NoModelAnswered:
            return {}
        return {
            name: value
            for name, value in _object(reply.text).items()
            if name in asked and _is_usable(value, asked[name], schemas[name], text=text, find=find)
        }


def _schema(blank: Blank, find: FindTool) -> Mapping[str, Any]:
    tool = find(blank.tool)
    return tool.properties.get(blank.argument, {}) if tool else {}


def _object(text: str) -> dict[str, Any]:
    try:
        value = from_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_usable(value: Any, blank: Blank, schema: Mapping[str, Any], *, text: str, find: FindTool) -> bool:
    tool = find(blank.tool)
    if tool is None or value is None or any(references(value)) or not is_supported(value, schema, text):
        return False
    others = [name for name in tool.required if name != blank.argument]
    return not any(argument_problems(tool, {blank.argument: value}, missing=others))
