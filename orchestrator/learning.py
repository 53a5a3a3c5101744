"""From what people ask for in vain to a template or a tool: /insights."""

import asyncio
import re
from collections.abc import Iterator, Sequence

from orchestrator.errors import BadInput
from orchestrator.insights import Insight, insights
from orchestrator.notation import read_plan
from orchestrator.plan import FindTool
from orchestrator.saving import maker, saved, writable
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.templates import written
from orchestrator.tools.catalog import Catalog
from orchestrator.words import say
from storage.changes import serving
from storage.store import Store

TEMPLATE = re.compile(r"template\s+(?P<number>\d+)\s+(?P<name>\S+)\s*=\s*(?P<plan>.+)", re.DOTALL)
LISTED = 20  # of the most frequent in a chat; `errand insights` lists all
STARTER = '''"""A beginning of {name}, which people asked for {count} times."""

from orchestrator.errors import BadInput
from orchestrator.tools.functions import tool


@tool
def {name}(request: str) -> str:
    """{summary}

    Asked for in words such as:
{examples}

    Args:
        request: What the person wants, in their words.
    """
    raise BadInput("{name} is not written yet.")
'''


class Learning:
    """Shows what people ask for in vain, and serves it from now on."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def words(self) -> Iterator[Slash]:
        usage = "/insights [template 1 NAME = PLAN]"
        yield Slash("insights", self._insights, usage, say("shows what I could not do for people"))

    async def _insights(self, talk: Talk, rest: str) -> Told:
        """List them, or save a template for one."""
        if not talk.inbound.private:
            raise BadInput(say("Those are other people's words: please ask me that where nobody reads along."))
        if match := TEMPLATE.fullmatch(rest.strip()):
            number, made_by = int(match["number"]), maker(talk)
            return await served(
                self._store, number, match["name"], match["plan"], find=self._catalog.find, made_by=made_by
            )
        if rest.strip():
            raise BadInput(say("I know /insights, and /insights template 1 NAME = PLAN."))
        found = await known(self._store)
        if not found:
            return Told(say("Nobody has asked for anything in vain."))
        lines = [_in_a_line(number, each) for number, each in enumerate(found[:LISTED], 1)]
        return Told("\n".join([*lines, "", say("`/insights template 1 NAME = PLAN` serves one from now on.")]))


async def known(store: Store) -> list[Insight]:
    """What is asked for in vain, the most frequent first. Raises StorageError."""
    return await asyncio.to_thread(insights, await store.declined())


async def served(store: Store, number: int, name: str, plan: str, *, find: FindTool, made_by: str) -> Told:
    """A template that serves the requests of this number from now on. Raises BadInput, PlanInvalid."""
    insight = numbered(await known(store), number)
    await writable(store, name, made_by=made_by)
    told = saved(name, written(*read_plan(plan), find), made_by=made_by)
    text = f"{told.text}\n{say('It serves: {what}', what=insight.examples[0])}"
    return Told(text, changes=(*told.changes, serving(insight.ids, by=f"template:{name}")))


def numbered(found: Sequence[Insight], number: int) -> Insight:
    """The one of this number in the list. Raises BadInput."""
    if not 1 <= number <= len(found):
        raise BadInput(say("There is no number {number}; there are {count}.", number=number, count=len(found)))
    return found[number - 1]


def starter(insight: Insight, name: str) -> str:
    """The file of a tool that is still to be written. Raises BadInput where that is no name for it."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise BadInput(f"A tool's name is made of small letters, digits and _: not {name!r}.")
    lines = "\n".join(f"    - {_plain(example)}" for example in insight.examples)
    summary = _plain(insight.examples[0]).rstrip(".?! ").capitalize()
    return STARTER.format(name=name, count=insight.count, summary=f"{summary}.", examples=lines)


def _plain(text: str) -> str:
    """A text that can stand in a docstring."""
    return text.replace("\\", "/").replace('"', "'")


def _in_a_line(number: int, insight: Insight) -> str:
    day = f"{insight.last_seen:%Y-%m-%d}"
    often = say("once, on {day}", day=day)
    if insight.count > 1:
        often = say("{count} times, people: {people}, last {day}", count=insight.count, people=insight.people, day=day)
    return f"{number}. “{insight.examples[0]}” ({often})"
