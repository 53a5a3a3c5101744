"""The settings, to be read: of secrets nothing but whether they are set."""

from collections.abc import Sequence

from adapters.web.console.data import SettingRow
from adapters.web.console.frame import badge, card
from adapters.web.html import Html, tag
from orchestrator.words import say


def settings(rows: Sequence[SettingRow]) -> list[Html | None]:
    hint = say("They are changed in the environment, .env or errand.toml, and hold after a restart.")
    mine = [row for row in rows if row.is_set]
    return [
        tag("p", hint, class_="hint"),
        card(_list(mine), title=say("Set here")) if mine else None,
        card(_list([row for row in rows if not row.is_set]), title=say("As they are by default")),
    ]


def _list(rows: Sequence[SettingRow]) -> Html:
    return tag("dl", *map(_setting, rows), class_="settings")


def _setting(row: SettingRow) -> Html:
    if row.is_secret:
        value: Html = badge(say("set")) if row.is_set else badge(say("not set"), "plain")
    else:
        value = tag("span", row.value or say("(empty)"), class_="code")
    return tag("div", tag("dt", row.name, class_="code"), tag("dd", value, tag("p", row.description, class_="hint")))
