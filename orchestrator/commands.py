"""The slash words: those of every subject, and /NAME key=value for every tool."""

from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.appointing import Appointing
from orchestrator.cases import Cases
from orchestrator.connecting import Connecting
from orchestrator.errors import BadInput, NotAllowed
from orchestrator.explaining import Explaining
from orchestrator.exporting import Exporting
from orchestrator.forgetting import Forgetting
from orchestrator.learning import Learning
from orchestrator.linking import Linking
from orchestrator.messages import Command
from orchestrator.notation import read_plan
from orchestrator.plan import Plan, Planned, Step
from orchestrator.preferring import Preferring
from orchestrator.raising import Raising
from orchestrator.receipts import Receipts
from orchestrator.reminding import Reminding
from orchestrator.roles import rights
from orchestrator.saving import Saving
from orchestrator.sessions import Talk
from orchestrator.slash import Said, Slash, Told, pairs_of
from orchestrator.slots import coerce
from orchestrator.templates import PARAMETER
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.paths import in_place
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say

Subject = (
    Appointing
    | Cases
    | Connecting
    | Exporting
    | Forgetting
    | Learning
    | Linking
    | Preferring
    | Raising
    | Receipts
    | Reminding
    | Saving
)
ALIASES = {"start": "help", "reset": "new"}


class Commands:
    """Carries out slash words. `others` are the subjects that bring some."""

    def __init__(
        self,
        catalog: Catalog,
        explaining: Explaining,
        others: Iterable[Subject],
    ) -> None:
        self._catalog = catalog
        self._explaining = explaining
        self._others = tuple(others)

    async def carry_out(self, talk: Talk, command: Command) -> Told | Planned | Said:
        """What it says, or the plan or the words that it stands for. Raises BadInput, PlanInvalid."""
        words = {word.name: word for word in self._words()}
        name = ALIASES.get(command.name, command.name)
        if why := rights().why_not(name):
            raise NotAllowed(why)
        if name in words:
            return await words[name].carry_out(talk, command.rest)
        return self._tool_call(name, command.rest, talk.paths)

    def _words(self) -> Iterable[Slash]:
        """Every slash word, in the order of /help."""
        yield from self._explaining.words()
        yield Slash("plan", self._plan, "/plan [STEPS]", say("shows the plan that waits for you, or runs one"))
        for subject in self._others:
            yield from subject.words()
        yield Slash("tool", self._tool)
        yield Slash("stop", self._help, "/stop", say("ends what is running"))
        yield Slash("new", self._new, "/new", say("starts over: I put away what we said before"))
        yield Slash("help", self._help, "/help", say("shows this"))

    def menu(self) -> list[tuple[str, str]]:
        """The slash words with what they do, for a channel that shows a menu."""
        return [(word.name, word.summary) for word in self._listed()]

    def _listed(self) -> list[Slash]:
        return [word for word in self._words() if word.summary and rights().may_say(word.name)]

    async def _help(self, talk: Talk, rest: str) -> Told:
        lines = (f"- `{word.usage}` {word.summary}" for word in self._listed())
        head = say("Write what you need. I answer, ask, or show a plan and run it.")
        return Told("\n".join([head, "", *lines]))

    async def _new(self, talk: Talk, rest: str) -> Told:
        text = say("A fresh start: I have put away what we said before.")
        return Told(text, forget_history=True, drop_question=talk.may_drop_question)

    async def _plan(self, talk: Talk, rest: str) -> Told | Planned:
        if not rest.strip():
            return await self._explaining.waiting_plan(talk)
        steps, template = read_plan(rest)
        return Planned(self._checked(steps, template), reason="you wrote the plan yourself")

    async def _tool(self, talk: Talk, rest: str) -> Planned:
        name, _, words = rest.strip().partition(" ")
        return self._tool_call(name, words, talk.paths)

    def _tool_call(self, name: str, rest: str, paths: Sequence[str]) -> Planned:
        self._catalog.permit([name])
        tool = self._find(name)
        if tool is None:
            raise BadInput(say("I know no command /{name}. /help lists mine, /tools lists the tools.", name=name))
        pairs = pairs_of(tool.name, tuple(tool.properties), tool.required, rest)
        arguments = {key: coerce(value, tool.properties.get(key, {})) for key, value in pairs}
        missing = [required for required in tool.required if required not in arguments]
        arguments |= in_place(tool, missing, paths)
        step = Step(
            id="s1",
            tool=tool.name,
            arguments=arguments,
            title=tool.in_words(arguments),
            missing=tuple(required for required in tool.required if required not in arguments),
        )
        return Planned(Plan.checked([step], self._catalog.find), reason="you called the tool yourself")

    def _checked(self, steps: Sequence[Step], template: str) -> Plan:
        """The plan under its tools' full names, each step with a title."""
        self._catalog.permit(name for step in steps for name in step.every_tool)
        named = []
        for step in steps:
            if open_parameter := PARAMETER.search(str(step.arguments)):
                name = open_parameter["name"]
                raise BadInput(
                    say("The plan has the open parameter {name!r}: give it with --set {name}=...", name=name)
                )
            written: dict[str, Any] = {"approved_by": None, "agreed": ()}  # a plan cannot say yes to itself
            if tool := self._catalog.find(step.tool):
                written |= {"tool": tool.name, "title": step.title or tool.in_words(step.arguments)}
            named.append(step.model_copy(update=written))
        return Plan.checked(named, self._catalog.find, template=template)

    def _find(self, name: str) -> ToolSpec | None:
        """A tool by its name as typed: slash words arrive in lower case."""
        by_lower = {spec.name.lower(): spec.name for spec in self._catalog.specs()}
        return self._catalog.find(by_lower.get(name.lower(), name))
