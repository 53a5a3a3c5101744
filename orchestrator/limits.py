"""Limits: who may use how much in a day or a month."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from orchestrator.errors import SettingsInvalid
from storage.records import Allowance

Every = Literal["day", "month"]
MILLION = 1_000_000
RULE = re.compile(
    r"(?P<whose>(?:person|chat|channel)(?::\S+)?|team) (?P<every>day|month) "
    r"(?P<amount>\d+(?:\.\d+)?) (?P<unit>tokens|usd)"
)


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose budgets a call goes: a person in a chat of a channel. Without a person it is work of nobody's.

    `identity` is the name under which all accounts of the person pay together, `accounts` are theirs. `role` may bring
    rules of its own.
    """

    channel: str = ""
    person: str = ""
    chat: str = ""
    identity: str = ""
    accounts: tuple[str, ...] = ()
    role: str = ""

    @property
    def account(self) -> str:
        """The name of the person's own budget."""
        return self.identity or f"{self.channel}:{self.person}"

    def scopes(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Every budget that the payer draws on, with the names that a rule may have for it."""
        if self.person:
            theirs = (self.account, f"{self.channel}:{self.person}", *self.accounts)
            yield f"person:{self.account}", frozenset({"person", *(f"person:{each}" for each in theirs)})
            yield plain(f"chat:{self.channel}:{self.chat}")
            yield plain(f"channel:{self.channel}")
        yield plain("team")


def plain(scope: str) -> tuple[str, frozenset[str]]:
    """A scope with its names: its own, and that of its kind."""
    return scope, frozenset({scope, scope.partition(":")[0]})


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit. `whose` is a kind of scope, such as "person", or one scope: "person:slack:U024BE7LH"."""

    whose: str
    every: Every
    tokens: int | None = None
    micro_usd: int | None = None

    @property
    def is_for_one(self) -> bool:
        """Whether it is for one scope, and not for all of a kind."""
        return ":" in self.whose

    @classmethod
    def read(cls, text: str) -> "Rule":
        """A rule such as "person day 50000 tokens". Raises SettingsInvalid."""
        found = RULE.fullmatch(" ".join(text.split()))
        if found is None or (found["unit"] == "tokens" and "." in found["amount"]):
            raise SettingsInvalid(
                f"{text.strip()!r} is no budget. Write WHOSE day|month AMOUNT tokens|usd, where WHOSE is person, chat, "
                "channel or team, or one of them: person:slack:U024BE7LH."
            )
        every: Every = "day" if found["every"] == "day" else "month"
        if found["unit"] == "tokens":
            return cls(found["whose"], every, tokens=int(found["amount"]))
        return cls(found["whose"], every, micro_usd=int(Decimal(found["amount"]) * MILLION))


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules for everybody, and further ones by the role of who pays."""

    rules: tuple[Rule, ...] = ()
    of_roles: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, rules: str, of_roles: Mapping[str, tuple[Rule, ...]] | None = None) -> "Limits":
        """Those of a setting, with commas between. Raises SettingsInvalid."""
        return cls(rules_in(rules), of_roles or {})

    @property
    def are_any(self) -> bool:
        return bool(self.rules) or any(self.of_roles.values())

    def holding_for(self, payer: Payer, now: datetime) -> tuple[Allowance, ...]:
        """The limits that hold for a payer: the one place that says so."""
        return self.over(payer.scopes(), now, role=payer.role)

    def over(
        self, scopes: Iterable[tuple[str, frozenset[str]]], now: datetime, *, role: str = ""
    ) -> tuple[Allowance, ...]:
        """The limits over these scopes, each given with its names. A rule for one scope stands over one for a role, and
        that over one for its kind."""
        known = tuple(scopes)
        found: dict[tuple[str, str], dict[str, int | None]] = {}
        general = [rule for rule in self.rules if not rule.is_for_one]
        special = [rule for rule in self.rules if rule.is_for_one]
        for rule in (*general, *self.of_roles.get(role, ()), *special):
            for scope, names in known:
                if rule.whose in names:
                    amounts = found.setdefault((scope, period(rule.every, now)), {})
                    amounts |= {"tokens": rule.tokens} if rule.micro_usd is None else {"micro_usd": rule.micro_usd}
        return tuple(
            Allowance(scope, span, amounts.get("tokens"), amounts.get("micro_usd"))
            for (scope, span), amounts in found.items()
        )


def rules_in(text: str) -> tuple[Rule, ...]:
    """The rules of a text, with commas between. Raises SettingsInvalid."""
    return tuple(Rule.read(each) for each in text.split(",") if each.strip())


def period(every: Every, now: datetime) -> str:
    """The name of the day or month, in UTC."""
    return f"{now:%Y-%m-%d}" if every == "day" else f"{now:%Y-%m}"
