"""The slash words that explain: /why /tools /usage /status /plan."""

from collections.abc import Callable, Iterator, Sequence

from orchestrator.account import account_of
from orchestrator.reviewing import shown
from orchestrator.sessions import Sessions, Talk
from orchestrator.slash import CarryOut, Slash, Told
from orchestrator.telling import tell
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say
from storage.store import Store


class Explaining:
    """Tells how things are. `about` says what models there are, `usage` what they were used for, `workers` how each
    worker is."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        sessions: Sessions,
        *,
        about: Callable[[], str],
        usage: CarryOut,
        workers: Callable[[], Sequence[str]],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._sessions = sessions
        self._about = about
        self._usage = usage
        self._workers = workers

    def words(self) -> Iterator[Slash]:
        yield Slash("why", self._why, "/why [t12]", say("explains my last turn, or another one"))
        yield Slash("tools", self._tools, "/tools", say("lists what I can call; `/NAME key=value` calls one"))
        yield Slash("usage", self._usage, "/usage", say("says what my answers to you have used"))
        yield Slash("status", self._status, "/status", say("says how I am doing"))

    async def waiting_plan(self, talk: Talk) -> Told:
        """The plan of the open question, and how far it is."""
        plan = talk.question.plan if talk.question else None
        if plan is None or (run := await self._sessions.run(plan)) is None:
            text = say("No plan is waiting here. `/plan` with steps behind it runs one; docs/plans.md shows how.")
            return Told(text)
        return Told(shown(run.plan, {**run.results, **run.waiting}))

    async def _why(self, talk: Talk, rest: str) -> Told:
        turn = rest.strip()
        record = await (self._store.turn(turn) if turn else self._store.last_turn(talk.arrived.session))
        if record is None or record.session != talk.arrived.session:
            unknown = say("I know no turn {turn!r} in this conversation.", turn=turn)
            return Told(unknown if turn else say("There is nothing to explain yet."))
        return Told(tell(await account_of(self._store, record)))

    async def _tools(self, talk: Talk, rest: str) -> Told:
        specs = self._catalog.specs()
        if not specs:
            return Told(say("No tools are connected. Name servers in mcp.json, or functions in the settings."))
        return Told("\n".join(_tool_line(tool) for tool in specs))

    async def _status(self, talk: Talk, rest: str) -> Told:
        counts = await self._store.outcome_counts()
        done = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or say("none yet")
        health = [
            f"- {say('tools of')} `{each.name}`: {each.state}, {each.tools}{f' ({each.detail})' if each.detail else ''}"
            for each in self._catalog.health()
        ]
        workers = [f"- {each}" for each in self._workers()]
        is_open = say("a question of mine is open here") if talk.question else say("no question is open here")
        return Told("\n".join([self._about(), *health, *workers, f"- {is_open}", f"- {say('turns so far')}: {done}"]))


def _tool_line(tool: ToolSpec) -> str:
    wants = ", ".join(f"{name}{'' if name in tool.required else '?'}" for name in tool.properties)
    effect = "" if tool.read_only or tool.is_unasked({}) else f" *({say('asks first')})*"
    summary = tool.description.strip().split("\n")[0]
    return f"- `{tool.name}({wants})`{effect}: {summary}"
