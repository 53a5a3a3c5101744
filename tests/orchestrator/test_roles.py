"""Roles as data: the policy file is read strictly, and what follows from it can be read off."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import SettingsInvalid
from orchestrator.roles import OPERATOR, ROLES, HouseRules, Role, class_of, read_house_rules
from orchestrator.tools.spec import ToolSpec

ROLE = st.sampled_from(ROLES)


def tool(name: str = "t", *, read_only: bool = False, destructive: bool = False) -> ToolSpec:
    return ToolSpec(name, "", {}, source="here", read_only=read_only, destructive=destructive)


def rules(text: str, folder: Path) -> HouseRules:
    path = folder / "policy.toml"
    path.write_text(text)
    return read_house_rules(path)


@pytest.mark.proves("people.file")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[people]\nbob = 'owner'", 'people.bob: write it as "channel:id"'),
        ("[people]\n'x:1' = 'king'", "people.x:1: Input should be 'nobody', 'guest', 'member', 'admin' or 'owner'"),
        ("[groups]\n'telegram:-1' = 3", "groups.telegram:-1: Input should be"),
        ("[channels]\n'telegram:1' = 'guest'", "channels.telegram:1: write the name of a channel"),
        ("[persons]\n", "persons: there is no such key. Take it out"),
        ("[roles.boss]\n", "roles.boss: Input should be 'guest', 'member', 'admin' or 'owner'"),
        ("[roles.guest]\ntools = ['reading']", "roles.guest.tools.0: Input should be 'read', 'write' or 'danger'"),
        ("[roles.guest]\ntools = 'read'", "roles.guest.tools: Input should be a valid tuple"),
        ("[roles.guest]\ntemplates = 'all'", "roles.guest.templates: Input should be 'none', 'run' or 'save'"),
        ("[roles.guest]\nbudgets = 'person week 1 usd'", "roles.guest: 'person week 1 usd' is no budget"),
        ("[roles.guest]\nbudgets = 'team day 1 usd'", "roles.guest: the budgets of a role are per person"),
        ("[roles.admin]\ncommands = ['/review']", "roles.admin.commands.0: write a slash word without its slash"),
        ("[roles.member]\ncommands = ['people']", "the command 'people' gives roles away"),
        (
            "[roles.member]\ncommands = ['save']\n[roles.admin]\ncommands = ['save']",
            "the command 'save' is reserved for two roles",
        ),
        ("[tools]\n'shell__*' = 'risky'", "tools.shell__*: Input should be 'read', 'write' or 'danger'"),
        ("[approvals]\nread = 'self'", "approvals.read: Input should be 'write' or 'danger'"),
        ("[approvals]\nwrite = 'boss'", "approvals.write.by: Input should be 'member', 'admin' or 'owner'"),
        ("[approvals]\nwrite = { people = 2 }", 'approvals.write: people and own need a role: { by = "admin"'),
        ("[approvals]\nwrite = { by = 'admin', people = 0 }", "approvals.write.people: Input should be greater"),
        ("[approvals]\nwrite = { by = 'admin', who = 2 }", "approvals.write.who: there is no such key"),
        ("[people\n", "cannot be read"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_by_its_key_with_the_fix(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        rules(text, tmp_path)
    assert str(tmp_path / "policy.toml") in str(wrong.value)
    assert problem in str(wrong.value)


@pytest.mark.proves("people.file")
def test_without_a_file_everybody_is_a_member_and_the_console_is_the_owner(tmp_path: Path) -> None:
    shipped = read_house_rules(tmp_path / "none.toml")
    assert shipped == HouseRules()
    assert shipped.role_without("telegram:1") == "member"
    assert shipped.role_without("console:sam") == "owner"
    for kind in (tool(read_only=True), tool(), tool(destructive=True)):
        assert shipped.rights("member").may_use(kind)
        assert shipped.rights("member").approves_alone(kind)
        assert shipped.rights("guest").may_use(kind) == kind.read_only
        assert OPERATOR.may_use(kind)


@pytest.mark.proves("people.places")
def test_a_role_is_looked_for_in_one_order() -> None:
    house = HouseRules.model_validate(
        {
            "groups": {"slack:C1": "admin"},
            "workspaces": {"slack:T1": "guest", "slack:T2": "member"},
            "channels": {"slack": "nobody"},
        }
    )

    def role(*own: str | None, chat: str = "", teams: tuple[str, ...] = ()) -> Role:
        return house.role(own or [None], channel="slack", chat=chat, workspaces=teams)

    assert role("owner", chat="C1") == "owner"
    assert role("guest", chat="C1", teams=("T2",)) == "guest"
    assert role(chat="C1", teams=("T1",)) == "admin"
    assert role(chat="C2", teams=("T1", "T2")) == "guest", "of several workspaces the lowest counts"
    assert role(teams=("T9",)) == "nobody"
    assert house.role([None], channel="telegram", chat="C1", workspaces=("T1",)) == "member"
    assert role("emperor", teams=("T2",)) == "member", "a role of another version is none"


@pytest.mark.proves("people.joined_roles")
@given(ROLE, st.lists(st.none() | ROLE))
def test_joined_accounts_raise_only_where_each_was_given_a_role(mine: Role, others: list[Role | None]) -> None:
    role = HouseRules().role([mine, *others], channel="slack", chat="", workspaces=())
    if mine == "nobody" or None in others:
        assert role == mine
    else:
        assert ROLES.index(role) == max(ROLES.index(each) for each in (mine, *others) if each)
    alone = HouseRules().role([None, *others], channel="slack", chat="", workspaces=())
    assert alone == "member"


@pytest.mark.proves("people.appointed")
def test_nobody_gives_more_than_they_have_nor_takes_from_an_equal() -> None:
    for actor, was, new in product(ROLES, ROLES, ROLES):
        may, own = (HouseRules().rights(actor).may_appoint(was, new, own=own) for own in (False, True))
        assert own == (actor in {"admin", "owner"} and ROLES.index(new) <= ROLES.index(was)), "nobody raises themselves"
        if actor == "owner":
            assert may
        elif actor == "admin":
            assert may == (was not in {"admin", "owner"} and new != "owner")
        else:
            assert not may


@pytest.mark.proves("people.classes")
def test_a_whole_name_stands_over_patterns_and_of_patterns_the_strictest_counts() -> None:
    house = HouseRules.model_validate({"tools": {"shell__*": "danger", "*__look": "read", "shell__pwd": "read"}})
    assert class_of(house.as_used(tool("shell__rm"))) == "danger"
    assert class_of(house.as_used(tool("shell__look"))) == "danger"
    assert class_of(house.as_used(tool("shell__pwd"))) == "read"
    assert class_of(house.as_used(tool("git__look"))) == "read"
    assert class_of(house.as_used(tool("git__push"))) == "write"
    plain = tool("git__push")
    assert house.as_used(plain) is plain


@pytest.mark.proves("people.approvals")
@given(ROLE, st.sampled_from(["self", "member", "admin", "owner"]), st.integers(1, 3), st.booleans())
def test_whoever_may_agree_alone_is_asked_themselves(role: Role, by: str, people: int, own: bool) -> None:
    approval = "self" if by == "self" else {"by": by, "people": people, "own": own}
    rights = HouseRules.model_validate({"approvals": {"danger": approval}}).rights(role)
    wipe = tool(destructive=True)
    has_role = by == "self" or ROLES.index(role) >= ROLES.index(by)
    assert rights.approves_alone(wipe) == (by == "self" or (has_role and people == 1))
    assert rights.approves(wipe, own=False) == (by != "self" and has_role)
    assert rights.approves(wipe, own=True) == (by != "self" and has_role and own)
    assert rights.approves_alone(tool(read_only=True))
