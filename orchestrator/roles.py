"""Roles: what whom is allowed. This module alone compares them, and everything else asks it.

owner > admin > member > guest; nobody is not let in. The house rules are one TOML file (docs/people.md); without it
they are those that this module ships with.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestrator.errors import BadInput, SettingsInvalid
from orchestrator.limits import Rule, rules_in
from orchestrator.tools.spec import ToolSpec, with_class
from orchestrator.words import say

Role = Literal["nobody", "guest", "member", "admin", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)  # the lowest first
Class = Literal["read", "write", "danger"]
CLASSES: tuple[Class, ...] = get_args(Class)  # the most harmless first
Templates = Literal["none", "run", "save"]
TEMPLATE_WORDS: Mapping[str, tuple[Templates, ...]] = {
    "save": ("save",),
    "run": ("run", "save"),
    "templates": ("run", "save"),
}
POWERS: Mapping[str, Role] = MappingProxyType(
    {
        "budget yes": "admin",
        "console open": "admin",
        "console trust": "admin",
        "signin shared": "member",
        "stop others": "admin",
        "usage all": "admin",
    }
)  # reserved as slash words are: part of one each, or of the page's console
ABOUT_OTHERS: Mapping[str, Role] = dict.fromkeys(("insights", "people", "review"), "admin")
RESERVED: Mapping[str, Role] = MappingProxyType({**ABOUT_OTHERS, **POWERS})


def _is_account(text: str) -> str:
    channel, _, name = text.partition(":")
    if not (channel and name) or text != text.strip():
        raise ValueError('write it as "channel:id", such as "telegram:4711" or "slack:U024BE7LH"')
    return text


def _is_channel(text: str) -> str:
    if not text or ":" in text:
        raise ValueError('write the name of a channel, such as "telegram", "slack" or "console"')
    return text


def _is_command(text: str) -> str:
    if text not in POWERS and not re.fullmatch(r"[a-z][\w-]*", text):
        raise ValueError(f'write a slash word without its slash, such as "review", or one of {sorted(POWERS)}')
    return text


Account = Annotated[str, AfterValidator(_is_account)]
Channel = Annotated[str, AfterValidator(_is_channel)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Approval(_Table):
    """Whose yes a call needs: so many `people` with at least the role `by`. Without it, that of whoever asks is enough.

    Of several, whoever asks is none unless `own`.
    """

    by: Literal["member", "admin", "owner"] | None = None
    people: int = Field(1, ge=1, le=5)
    own: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_a_word(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {} if given == "self" else {"by": given}
        return given

    @model_validator(mode="after")
    def _is_meant(self) -> "Approval":
        if self.by is None and (self.people > 1 or self.own):
            raise ValueError('people and own need a role: { by = "admin", people = 2 }')
        return self


class Allowed(_Table):
    """What a role may do: use tools of these classes, run or also save templates, and use so much, per person.

    `commands` are slash words that are for this role and those above it.
    """

    tools: tuple[Class, ...] = CLASSES
    templates: Templates = "save"
    budgets: tuple[Rule, ...] = ()
    commands: tuple[Annotated[str, AfterValidator(_is_command)], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_rules(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(text := given.get("budgets"), str):
            return {**given, "budgets": _budgets(text)}
        return given


def _budgets(text: str) -> tuple[Rule, ...]:
    try:
        rules = rules_in(text)
    except SettingsInvalid as problem:
        raise ValueError(str(problem)) from None
    if any(rule.whose != "person" for rule in rules):
        raise ValueError('the budgets of a role are per person: "person day 1000 tokens"')
    return rules


EVERYTHING = Allowed()
AS_SHIPPED: Mapping[Role, Allowed] = MappingProxyType(
    {"guest": Allowed(tools=("read",), templates="none"), **dict.fromkeys(ROLES[2:], EVERYTHING)}
)


class HouseRules(_Table):
    """What the file says. Everybody has a role: that of their account, of the group in which they speak, of their
    workspace, of the channel, the first of these that there is; else they are members, and on the console owner."""

    people: Mapping[Account, Role] = {}
    groups: Mapping[Account, Role] = {}
    workspaces: Mapping[Account, Role] = {}
    channels: Mapping[Channel, Role] = {}
    roles: Mapping[Literal["guest", "member", "admin", "owner"], Allowed] = {}
    tools: Mapping[str, Class] = {}
    approvals: Mapping[Literal["write", "danger"], Approval] = {}

    @model_validator(mode="after")
    def _reserves_each_word_once(self) -> "HouseRules":
        words = [word for allowed in self.roles.values() for word in allowed.commands]
        if twice := [word for word in words if words.count(word) > 1]:
            raise ValueError(f"the command {twice[0]!r} is reserved for two roles: leave it with the lower one")
        if self.reserved["people"] not in {"admin", "owner"}:
            raise ValueError("the command 'people' gives roles away: it can be for admins or owners alone")
        return self

    @property
    def reserved(self) -> Mapping[str, Role]:
        """For which role a word is at least."""
        return {**RESERVED, **{word: role for role, each in self.roles.items() for word in each.commands}}

    @property
    def budgets(self) -> Mapping[str, tuple[Rule, ...]]:
        """What each role may use, per person."""
        return {role: self.allowed(role).budgets for role in ROLES}

    @property
    def in_words(self) -> str:
        """The rules that are not about single people, for the operator."""
        roles = (f"{role}: {', '.join(self.allowed(role).tools) or 'no'} tools" for role in reversed(ROLES[1:]))
        yeses = (f"{kind} asks {each.people} {each.by}" for kind, each in self.approvals.items() if each.by)
        return "; ".join((*roles, *yeses))

    @property
    def names_an_owner(self) -> bool:
        return "owner" in self.people.values()

    def role_without(self, account: str) -> Role:
        """The role of an account that was given none, where its place does not say more."""
        return self.role([None], channel=account.partition(":")[0], chat="", workspaces=())

    def allowed(self, role: Role) -> Allowed:
        """What a role may do, with the shipped values for what the file does not say."""
        if role == "nobody":
            return Allowed(tools=(), templates="none")
        given, shipped = self.roles.get(role), AS_SHIPPED[role]
        said = {name: getattr(given, name) for name in given.model_fields_set} if given else {}
        return shipped.model_copy(update=said)

    def as_used(self, tool: ToolSpec) -> ToolSpec:
        """The tool with the promises that the file has for it. A whole name stands over patterns; of several that fit
        the strictest counts."""
        fitting = [kind for pattern, kind in self.tools.items() if fnmatchcase(tool.name, pattern)]
        kind = self.tools.get(tool.name) or max(fitting, key=CLASSES.index, default=None)
        return with_class(tool, kind) if kind and kind != class_of(tool) else tool

    def rights(self, role: Role, *, accounts: Sequence[str] = (), identity: str = "") -> "Rights":
        """What somebody with this role may do."""
        return Rights(role, self, self.allowed(role), tuple(accounts), identity)

    def who_may_use(self, tool: ToolSpec) -> str:
        """Who may use a tool, in words."""
        return _from([role for role in ROLES if class_of(tool) in self.allowed(role).tools])

    def who_may_approve(self, tool: ToolSpec | None) -> str:
        """Whose yes counts for a call, in words."""
        return _from([role for role in ROLES if self.rights(role).approves(tool, own=False)])

    def who_may_say(self, word: str) -> str:
        """Whose slash word this is, in words."""
        return _from([role for role in ROLES if self.rights(role).may_say(word)])

    def role(self, own: Sequence[str | None], *, channel: str, chat: str, workspaces: Sequence[str]) -> Role:
        """The role of somebody here. `own` are those that their accounts were given: first of the one that acts.

        The highest of several accounts counts only where each of them was given one: joining raises nobody. Of several
        workspaces with a role the lowest counts.
        """
        mine, *_ = given = [_known(role) for role in own]
        if mine == "nobody":
            return "nobody"
        if mine and all(given):
            return max(filter(None, given), key=ROLES.index)
        theirs = [self.workspaces[name] for each in workspaces if (name := f"{channel}:{each}") in self.workspaces]
        workspace = min(theirs, key=ROLES.index, default=None)
        default: Role = "owner" if channel == "console" else "member"
        return mine or self.groups.get(f"{channel}:{chat}") or workspace or self.channels.get(channel) or default


SHIPPED = HouseRules()


@dataclass(frozen=True, slots=True)
class Rights:
    """What one person may do, for as long as a turn takes: with their `role`, and what it is `allowed`. `accounts` are
    all of theirs, the one that acts first; `identity` is the name of them all."""

    role: Role = "owner"
    rules: HouseRules = SHIPPED
    allowed: Allowed = EVERYTHING
    accounts: tuple[str, ...] = ()
    identity: str = ""

    @property
    def are_any(self) -> bool:
        """Whether they may come in at all."""
        return self.role != "nobody"

    def may_use(self, tool: ToolSpec) -> bool:
        return class_of(tool) in self.allowed.tools

    def refusal(self, tool: ToolSpec) -> str:
        """Why they may not use a tool; empty where they may."""
        if self.may_use(tool):
            return ""
        return say("You may not use `{tool}`: it is for {roles}.", tool=tool.name, roles=self.rules.who_may_use(tool))

    def may_say(self, word: str) -> bool:
        """Whether a slash word, or a power that is written as one, is theirs."""
        ways = TEMPLATE_WORDS.get(word)
        has_templates = ways is None or self.allowed.templates in ways
        return has_templates and is_at_least(self.role, self.rules.reserved.get(word, "guest"))

    def why_not(self, word: str) -> str:
        """Why a slash word is not theirs; empty where it is."""
        if self.may_say(word):
            return ""
        return say("/{name} is for {roles}.", name=word, roles=self.rules.who_may_say(word))

    def approves_alone(self, tool: ToolSpec | None) -> bool:
        """Whether their own yes is enough for a call of theirs."""
        wanted = approval_of(self.rules, tool)
        return wanted.by is None or (is_at_least(self.role, wanted.by) and wanted.people == 1)

    def approves(self, tool: ToolSpec | None, *, own: bool) -> bool:
        """Whether their yes counts among those that a call needs; `own` says that they ask for it themselves."""
        wanted = approval_of(self.rules, tool)
        return wanted.by is not None and is_at_least(self.role, wanted.by) and (wanted.own or not own)

    def may_appoint(self, was: Role, new: Role, *, own: bool = False) -> bool:
        """Whether they may give somebody a role, `was` being the one that they have now: nobody gives more than they
        have, nor takes from one who has as much, but for owners. Their `own` they can only lower."""
        theirs, old, given = map(ROLES.index, (self.role, was, new))
        if own:
            return self.may_say("people") and given <= old
        return self.may_say("people") and given <= theirs and (self.role == "owner" or old < theirs)


def shut_out() -> str:
    """What is said to who may not come in."""
    return say("You may not talk to me here. Ask the one who runs me.")


def class_of(tool: ToolSpec) -> Class:
    """What a tool may do: only look, change something, or destroy it."""
    if tool.read_only:
        return "read"
    return "danger" if tool.destructive else "write"


def approval_of(rules: HouseRules, tool: ToolSpec | None) -> Approval:
    """Whose yes a call of this tool needs, where it needs one. What is gone can only be declined."""
    kind = class_of(tool) if tool else "read"
    return Approval() if kind == "read" else rules.approvals.get(kind, Approval())


def is_at_least(role: str, least: Role) -> bool:
    return ROLES.index(_known(role) or "nobody") >= ROLES.index(least)


def role_named(text: str) -> Role:
    """The role of this name, as somebody writes it. Raises BadInput."""
    if found := _known(text.strip().casefold()):
        return found
    raise BadInput(say("There is no role {name!r}; there are: {roles}.", name=text.strip(), roles=", ".join(ROLES)))


def and_above(role: Role) -> str:
    """Those who have at least this role, in words."""
    return {
        "owner": say("owners"),
        "admin": say("admins and owners"),
        "member": say("members and above"),
        "guest": say("everybody"),
        "nobody": say("everybody"),
    }[role]


def _from(roles: Sequence[Role]) -> str:
    return and_above(roles[0]) if roles else say("nobody")


def _known(role: str | None) -> Role | None:
    """A role by its name: another version may have known others."""
    return next((each for each in ROLES if each == role), None)


# --- who acts now ---------------------------------------------------------------------------------------

OPERATOR = Rights()  # whoever is at the command line
_now: ContextVar[Rights] = ContextVar("rights", default=OPERATOR)


def rights() -> Rights:
    """What the person may do for whom this is done."""
    return _now.get()


@contextmanager
def acting_with(theirs: Rights) -> Iterator[None]:
    """Let everything inside of it be done with these rights."""
    token = _now.set(theirs)
    try:
        yield
    finally:
        _now.reset(token)


# --- the file -------------------------------------------------------------------------------------------


def read_house_rules(path: Path) -> HouseRules:
    """The rules of a TOML file; the shipped ones where it is not there. Raises SettingsInvalid."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return HouseRules()
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"{path} cannot be read: {error}") from None
    try:
        return HouseRules.model_validate(tables)
    except ValidationError as error:
        raise SettingsInvalid("\n".join(f"{path}: {_problem(each)}" for each in error.errors())) from None


def _problem(error: Any) -> str:
    """What is wrong, where, and what it can be."""
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    told = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        told = "there is no such key. Take it out; docs/people.md lists them all"
    return f"{place or 'the file'}: {told}."
