"""The slash words of templates: /save /run /templates."""

import shlex
from collections.abc import Iterable, Iterator

from orchestrator.errors import BadInput
from orchestrator.facts import read_facts
from orchestrator.plan import Plan, Planned
from orchestrator.sessions import Sessions, Talk
from orchestrator.slash import Slash, Told
from orchestrator.templates import NAME, Template, template_of
from orchestrator.tools.catalog import Catalog
from orchestrator.words import say
from storage.changes import forgetting_template, keeping_template
from storage.records import KeptTemplate
from storage.store import Store

SAVE = "/save NAME [t12] [city=a.place]"


class Saving:
    """Saves plans under names, and runs them again."""

    def __init__(self, store: Store, catalog: Catalog, sessions: Sessions) -> None:
        self._store = store
        self._catalog = catalog
        self._sessions = sessions

    def words(self) -> Iterator[Slash]:
        yield Slash(
            "save", self._save, "/save NAME [t12] [city=a.place]", say("keeps a good turn's plan as a template")
        )
        yield Slash("run", self._run, "/run NAME key=value", say("runs a template"))
        yield Slash("templates", self._templates, "/templates [forget NAME]", say("lists the templates"))

    async def _save(self, talk: Talk, rest: str) -> Told:
        name, words = _name_and_words(rest, usage=SAVE)
        turns = [word for word in words if "=" not in word]
        chosen = dict(word.split("=", 1) for word in words if "=" in word)
        await writable(self._store, name, made_by=maker(talk))
        return saved(name, template_of(await self._plan_of(talk, turns), chosen), made_by=maker(talk))

    async def _run(self, talk: Talk, rest: str) -> Planned:
        name, words = _name_and_words(rest, usage="/run NAME key=value")
        templates = await self._store.templates()
        if name not in templates:
            raise _no_template(name, templates)
        if plain := [word for word in words if "=" not in word]:
            raise BadInput(
                say("Write values as key=value, with quotation marks around spaces: not {word!r}.", word=plain[0])
            )
        given = dict(word.split("=", 1) for word in words)
        template = _as_seen_by(templates[name], talk)
        self._catalog.permit(tool for step in template.steps for tool in step.every_tool)
        plan = template.filled(given, self._catalog.find)
        return Planned(plan, reason=f"you ran the template {name}")

    async def _templates(self, talk: Talk, rest: str) -> Told:
        word, _, name = rest.strip().partition(" ")
        templates = await self._store.templates()
        if word == "forget":
            if await _known(self._store, name.strip(), made_by=maker(talk)) is None:
                raise _no_template(name.strip(), templates)
            return Told(say("Forgotten: {what}", what=name.strip()), changes=(forgetting_template(name.strip()),))
        if not templates:
            return Told(say("There are no templates yet. After a good turn, `/save NAME` keeps its plan."))
        lines = (f"- `{_usage(name, _as_seen_by(kept, talk))}`" for name, kept in templates.items())
        return Told("\n".join(lines))

    async def _plan_of(self, talk: Talk, turns: list[str]) -> Plan:
        """The plan of the turn that is meant: the last one, where none is named."""
        record = await (self._store.turn(turns[0]) if turns else self._store.last_turn(talk.arrived.session))
        plan = read_facts(record.dossier).plan if record and record.session == talk.arrived.session else None
        run = await self._sessions.run(plan) if plan else None
        if run is None:
            raise BadInput(say("That turn had no plan. Name one that had, as in `/save NAME t12`."))
        return run.plan


async def writable(store: Store, name: str, *, made_by: str) -> None:
    """Raises BadInput where this is no name for a template, or that of somebody else's."""
    if not NAME.fullmatch(name):
        raise BadInput(say("A template's name is made of small letters, digits, - and _: not {name!r}.", name=name))
    await _known(store, name, made_by=made_by)


async def _known(store: Store, name: str, *, made_by: str) -> KeptTemplate | None:
    """The template of this name, if it is theirs. Raises BadInput where it is somebody else's."""
    known = (await store.templates()).get(name)
    if known and known.made_by != made_by:
        raise BadInput(
            say("{name!r} is somebody else's template; only they can change it. Choose another name.", name=name)
        )
    return known


def saved(name: str, template: Template, *, made_by: str) -> Told:
    """What to say of a template, and the change that keeps it."""
    text = say("Saved, for everybody here. Run it with: {usage}", usage=_usage(name, template))
    return Told(text, changes=(keeping_template(name, template.model_dump_json(), made_by=made_by),))


def maker(talk: Talk) -> str:
    """Who makes a template."""
    return f"{talk.arrived.channel}:{talk.inbound.person.id}"


def _as_seen_by(kept: KeptTemplate, talk: Talk) -> Template:
    """The template; the values that its maker had used are the maker's alone."""
    template = Template.model_validate_json(kept.body)
    return template if kept.made_by == maker(talk) else template.model_copy(update={"defaults": {}})


def _no_template(name: str, there_are: Iterable[str]) -> BadInput:
    known = ", ".join(there_are) or say("none")
    return BadInput(say("There is no template {name!r}; there are: {known}.", name=name, known=known))


def _usage(name: str, template: Template) -> str:
    values = (
        f"{each}={shlex.quote(str(template.defaults[each]))}" if each in template.defaults else f"{each}=..."
        for each in template.parameters
    )
    return " ".join((f"/run {name}", *values))


def _name_and_words(rest: str, *, usage: str) -> tuple[str, list[str]]:
    try:
        name, *words = shlex.split(rest)
    except ValueError:
        raise BadInput(say("Write it as {usage}; values with spaces in quotation marks.", usage=usage)) from None
    return name, words
