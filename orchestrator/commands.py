"""The slash words: /help /new /status /why /tools, and /NAME key=value for every tool."""

import shlex
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from orchestrator.account import account_of
from orchestrator.errors import BadInput
from orchestrator.messages import Command
from orchestrator.notation import read_plan
from orchestrator.plan import Plan, Planned, Step
from orchestrator.reviewing import shown
from orchestrator.sessions import Sessions, Talk
from orchestrator.slots import coerce
from orchestrator.telling import tell
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say
from storage.store import Store

HELP = """\
Write what you need. I answer, ask, or show a plan and run it.

- `/why` explains my last turn (`/why t12` another one)
- `/tools` lists what I can call; `/NAME key=value` calls one, as in `/get_current_time timezone=Asia/Tokyo`
- `/plan` shows the plan that waits for you; `/allow` lists what you have allowed for good
- `/status` says how I am doing
- `/stop` ends what is running
- `/new` starts over: I forget what we said before
- `/help` shows this"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the system says. It may put the history away, or drop the open question."""

    text: str
    forget_history: bool = False
    drop_question: bool = False


class Commands:
    """Carries out slash words. `about` says what models there are, for /status."""

    def __init__(self, store: Store, catalog: Catalog, sessions: Sessions, *, about: Callable[[], str]) -> None:
        self._store = store
        self._catalog = catalog
        self._sessions = sessions
        self._about = about

    async def carry_out(self, talk: Talk, command: Command) -> Told | Planned:
        """What it says, or the plan that it stands for. Raises BadInput, PlanInvalid."""
        match command.name:
            case "help" | "start":
                return Told(HELP)
            case "new" | "reset":
                return Told(
                    "A fresh start: I have put away what we said before.",
                    forget_history=True,
                    drop_question=True,
                )
            case "why":
                return Told(await self._why(talk, command.rest.strip()))
            case "tools":
                return Told(self._tools())
            case "status":
                return Told(await self._status(talk))
            case "plan" if not command.rest.strip():
                return Told(await self._plan(talk))
            case "allow":
                return Told(await self._allow(talk, command.rest.split()))
            case "plan":
                steps, template = read_plan(command.rest)
                return Planned(self._checked(steps, template), reason="you wrote the plan yourself")
            case "tool":
                name, _, rest = command.rest.strip().partition(" ")
                return self._tool_call(name, rest)
            case name:
                return self._tool_call(name, command.rest)

    async def _plan(self, talk: Talk) -> str:
        """The plan of the open question, and how far it is."""
        plan = talk.question.plan if talk.question else None
        if plan is None or (run := await self._sessions.run(plan)) is None:
            return say("No plan is waiting here. `/plan` with steps behind it runs one; docs/plans.md shows how.")
        return shown(run.plan, {**run.results, **run.waiting})

    async def _allow(self, talk: Talk, words: Sequence[str]) -> str:
        """List a person's standing yeses, or take some back."""
        mine = await self._store.granted(talk.arrived.channel, talk.inbound.person.id)
        if words[:1] == ["revoke"]:
            numbers = dict(enumerate(mine, 1))
            revoked = mine if words[1:] == ["all"] else [numbers[int(n)] for n in words[1:] if _is_among(n, numbers)]
            if not revoked:
                return say("Say which: `/allow revoke 2`, or `/allow revoke all`.")
            await self._store.revoke([grant.id for grant in revoked])
            return say("I ask again before: {tools}.", tools=", ".join(grant.tool for grant in revoked))
        if not mine:
            return say("There is nothing that I may do without asking. Answer “always” when I ask, and it stands here.")
        lines = (
            f"{number}. `{grant.tool}`, {say('everywhere') if grant.session is None else say('in one conversation')}"
            for number, grant in enumerate(mine, 1)
        )
        return "\n".join([*lines, say("`/allow revoke 1` takes one back.")])

    async def _why(self, talk: Talk, turn: str) -> str:
        record = await (self._store.turn(turn) if turn else self._store.last_turn(talk.arrived.session))
        if record is None or record.session != talk.arrived.session:
            return f"I know no turn {turn!r} in this conversation." if turn else "There is nothing to explain yet."
        return tell(await account_of(self._store, record))

    def _tools(self) -> str:
        specs = self._catalog.specs()
        if not specs:
            return "No tools are connected. Name servers in mcp.json, or functions in the settings."
        return "\n".join(_tool_line(tool) for tool in specs)

    async def _status(self, talk: Talk) -> str:
        counts = await self._store.outcome_counts()
        done = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "none yet"
        health = [
            f"- tools of `{each.name}`: {each.state}, {each.tools}{f' ({each.detail})' if each.detail else ''}"
            for each in self._catalog.health()
        ]
        waiting = "- a question of mine is open here" if talk.question else "- no question is open here"
        return "\n".join([self._about(), *health, waiting, f"- turns so far: {done}"])

    def _tool_call(self, name: str, rest: str) -> Planned:
        tool = self._find(name)
        if tool is None:
            raise BadInput(f"I know no command /{name}. /help lists mine, /tools lists the tools.")
        arguments = {key: coerce(value, tool.properties.get(key, {})) for key, value in _pairs(tool, rest)}
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
        named = []
        for step in steps:
            if tool := self._catalog.find(step.tool):
                title = step.title or tool.in_words(step.arguments)
                written = {"tool": tool.name, "title": title, "approved_by": None}  # a plan cannot say yes to itself
                step = step.model_copy(update=written)  # noqa: PLW2901
            named.append(step)
        return Plan.checked(named, self._catalog.find, template=template)

    def _find(self, name: str) -> ToolSpec | None:
        """A tool by its name as typed: slash words arrive in lower case."""
        by_lower = {spec.name.lower(): spec.name for spec in self._catalog.specs()}
        return self._catalog.find(by_lower.get(name.lower(), name))


def _is_among(text: str, numbers: Container[int]) -> bool:
    return text.isdecimal() and int(text) in numbers


def _pairs(tool: ToolSpec, rest: str) -> list[tuple[str, str]]:
    """`key=value` words; a single value without a key is the tool's first parameter."""
    try:
        words = shlex.split(rest)
    except ValueError:
        raise BadInput(f"A quotation mark is open in: {rest[:200]}") from None
    pairs = [tuple(word.split("=", 1)) for word in words if "=" in word]
    if words and not pairs and tool.properties:
        return [(next(iter(tool.properties)), rest.strip())]
    if len(pairs) < len(words):
        example = " ".join(f"{name}=..." for name in tool.required or tool.properties)
        raise BadInput(f"Write it as /{tool.name} {example}; values with spaces in quotation marks.")
    return [(key, value) for key, value in pairs]


def _tool_line(tool: ToolSpec) -> str:
    wants = ", ".join(f"{name}{'' if name in tool.required else '?'}" for name in tool.properties)
    effect = "" if tool.read_only else " *(asks first)*"
    summary = tool.description.strip().split("\n")[0]
    return f"- `{tool.name}({wants})`{effect}: {summary}"
