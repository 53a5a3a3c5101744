"""What a person has told me about themselves: /allow /memory /verbose /language."""

from collections.abc import Iterator

from orchestrator import audit
from orchestrator.errors import BadInput
from orchestrator.sessions import VERBOSITIES, Talk
from orchestrator.slash import Slash, Told, choice_of
from orchestrator.words import known_language, languages, say, speaking
from storage.changes import forgetting, preferring, remembering, revoking
from storage.store import Store

MOST_MEMORIES = 50  # of one person; each one costs every later request its tokens
LONGEST_MEMORY = 300  # characters


class Preferring:
    """Keeps what belongs to one person, and to nobody else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def words(self) -> Iterator[Slash]:
        yield Slash("allow", self._allow, "/allow [revoke 2]", say("lists what you have allowed for good"))
        yield Slash("memory", self._memory, "/memory [add TEXT | forget 2]", say("lists what I keep about you"))
        yield Slash("verbose", self._verbose, "/verbose quiet|normal|full", say("says how much I show of my work"))
        yield Slash("language", self._language, "/language CODE", say("says in which language I speak"))

    async def _allow(self, talk: Talk, rest: str) -> Told:
        """List standing yeses, or take some back."""
        mine = await self._store.granted(talk.arrived.channel, talk.inbound.person.id)
        word, _, which = rest.strip().partition(" ")
        if word == "revoke":
            revoked = [mine[place] for place in choice_of(which, len(mine), usage="/allow revoke 2")]
            text = say("I ask again before: {tools}.", tools=", ".join(grant.tool for grant in revoked))
            return Told(text, changes=(revoking([grant.id for grant in revoked]), *audit.revoked(talk, revoked)))
        if not mine:
            nothing = say(
                "There is nothing that I may do without asking. Answer “always” when I ask, and it stands here."
            )
            return Told(nothing)
        lines = (
            f"{number}. `{grant.tool}`, {say('everywhere') if grant.session is None else say('in one conversation')}"
            for number, grant in enumerate(mine, 1)
        )
        return Told("\n".join([*lines, say("`/allow revoke 1` takes one back.")]))

    async def _memory(self, talk: Talk, rest: str) -> Told:
        """List memories, keep one more, or forget some."""
        channel, person = talk.arrived.channel, talk.inbound.person.id
        mine = await self._store.memories(channel, person)
        word, _, what = rest.strip().partition(" ")
        match word:
            case "":
                if not mine:
                    return Told(say("I keep nothing about you. `/memory add I live in Rome` makes me."))
                lines = (f"{number}. {memory.text}" for number, memory in enumerate(mine, 1))
                return Told("\n".join([*lines, say("`/memory forget 1` makes me forget one.")]))
            case "add":
                problem = why_not_kept(what, len(mine))
                if problem:
                    raise BadInput(problem)
                return Told(say("I will keep that in mind."), changes=(remembering(channel, person, what.strip()),))
            case "forget":
                forgotten = [mine[place] for place in choice_of(what, len(mine), usage="/memory forget 2")]
                text = say("Forgotten: {what}", what="; ".join(memory.text for memory in forgotten))
                return Told(text, changes=(forgetting([memory.id for memory in forgotten]),))
            case _:
                raise BadInput(say("I know /memory, /memory add TEXT and /memory forget NUMBER."))

    async def _verbose(self, talk: Talk, rest: str) -> Told:
        wanted = rest.strip().casefold()
        if wanted not in VERBOSITIES:
            raise BadInput(say("Say one of: {words}.", words=", ".join(VERBOSITIES)))
        change = preferring(talk.arrived.channel, talk.inbound.person.id, verbosity=wanted)
        return Told(say("From now on I am {verbosity}.", verbosity=wanted), changes=(change,))

    async def _language(self, talk: Talk, rest: str) -> Told:
        code = known_language(rest)
        if code is None:
            raise BadInput(
                say("I speak: {names}.", names=", ".join(f"{name} ({c})" for c, name in languages().items()))
            )
        change = preferring(talk.arrived.channel, talk.inbound.person.id, language=code)
        with speaking(code):
            return Told(say("From now on I speak English."), changes=(change,))


def why_not_kept(text: str, count: int) -> str | None:
    """Why a memory cannot be kept, in a sentence that names the fix; `count` are there already."""
    if not text.strip():
        return say("Say what I should keep in mind, as in `/memory add I live in Rome`.")
    if len(text) > LONGEST_MEMORY:
        return say("That is too long to keep in mind: at most {limit} characters.", limit=LONGEST_MEMORY)
    if count >= MOST_MEMORIES:
        return say("I keep {limit} things about you already. `/memory forget 1` makes room.", limit=MOST_MEMORIES)
    return None
