"""Limits: who may use how much in a day or a month, and who may allow more."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    """On whose budgets a call goes: a person in a chat of a channel. Without a person it is work of nobody's."""

    channel: str = ""
    person: str = ""
    chat: str = ""

    @property
    def account(self) -> str:
        return f"{self.channel}:{self.person}"

    def scopes(self) -> Iterator[str]:
        """Every budget that the payer draws on, as a rule may name it."""
        if self.person:
            yield f"person:{self.account}"
            yield f"chat:{self.channel}:{self.chat}"
            yield f"channel:{self.channel}"
        yield "team"


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit. `whose` is a kind of scope, such as "person", or one scope: "person:slack:U024BE7LH"."""

    whose: str
    every: Every
    tokens: int | None = None
    micro_usd: int | None = None

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
    """The rules, and the accounts ("slack:U024BE7LH") of those who may allow more."""

    rules: tuple[Rule, ...] = ()
    admins: tuple[str, ...] = ()

    @classmethod
    def read(cls, rules: str, admins: str = "") -> "Limits":
        """Those of two settings, each with commas between. Raises SettingsInvalid."""
        return cls(tuple(Rule.read(each) for each in rules.split(",") if each.strip()), accounts_in(admins))

    def holding_for(self, payer: Payer, now: datetime) -> tuple[Allowance, ...]:
        """The limits that hold for a payer: the one place that says so."""
        return self.over(payer.scopes(), now)

    def over(self, scopes: Iterable[str], now: datetime) -> tuple[Allowance, ...]:
        """The limits over these scopes. A rule for one scope stands over one for its kind."""
        known = tuple(scopes)
        found: dict[tuple[str, str], dict[str, int | None]] = {}
        for rule in sorted(self.rules, key=lambda rule: ":" in rule.whose):
            for scope in known:
                if rule.whose in {scope, scope.partition(":")[0]}:
                    amounts = found.setdefault((scope, period(rule.every, now)), {})
                    amounts |= {"tokens": rule.tokens} if rule.micro_usd is None else {"micro_usd": rule.micro_usd}
        return tuple(
            Allowance(scope, span, amounts.get("tokens"), amounts.get("micro_usd"))
            for (scope, span), amounts in found.items()
        )

    def is_admin(self, account: str) -> bool:
        """Whether this account may allow more, and see what everybody has used."""
        return account in self.admins


def accounts_in(text: str) -> tuple[str, ...]:
    """Accounts of people, each as its channel and its id. Raises SettingsInvalid."""
    accounts = tuple(each.strip() for each in text.split(",") if each.strip())
    if wrong := [each for each in accounts if not all(each.partition(":"))]:
        raise SettingsInvalid(f"{wrong[0]!r} is no account: write its channel and its id, such as telegram:42.")
    return accounts


def period(every: Every, now: datetime) -> str:
    """The name of the day or month, in UTC."""
    return f"{now:%Y-%m-%d}" if every == "day" else f"{now:%Y-%m}"
