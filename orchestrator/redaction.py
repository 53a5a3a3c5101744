"""Keeps secrets out of what is written down: the ones that we know, and whatever looks like one."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

HIDDEN = "[secret]"
SHORTEST = 6  # characters: a shorter word would be struck out of ordinary sentences
CALLED = r"(?:(?:api|access|secret|private)[-_ ]?key|token|secret|password|passwd|passphrase|pin)"
SECRET_NAMES = re.compile(rf"(?i)(?:^|[-_.]){CALLED}$")
SECRET_VARIABLES = re.compile(r"_(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$")  # of the environment: OPENAI_API_KEY
ASSIGNED = re.compile(rf"(?i)\b{CALLED}\s*[:=]\s*[\"']?(?P<value>[^\s\"',;\[]+)")
SHAPES = r"""
    \b(?:sk|pk|rk)[-_][\w-]{16,}                         # OpenAI, Anthropic, OpenRouter, Stripe
    | \b(?:gh[pousr]|github_pat|glpat|xox[abeoprs]|xapp)[-_][\w-]{10,}
    | \bAKIA[0-9A-Z]{16}\b | \bAIza[\w-]{30,}            # AWS, Google
    | \b\d{8,10}:[\w-]{35}\b                             # a bot of Telegram
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{5,}               # a JSON web token
    | (?<=Bearer\ )[\w.~+/-]{8,}=*
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                    # user:password@ in an address
"""


class Redaction:
    """Strikes secrets out. `known` are values that are secrets wherever they stand."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self._known = frozenset(known)

    def value(self, value: Any) -> Any:
        """A JSON value without its secrets. What stands once under a secret's name is struck out everywhere in it."""
        known = {secret for secret in self._known.union(_named_secrets(value)) if len(secret) >= SHORTEST}
        longest_first = sorted(map(re.escape, known), key=len, reverse=True)
        return _struck_out(value, re.compile("|".join([*longest_first, SHAPES]), re.VERBOSE))


BY_SHAPE = Redaction()


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """The values of an environment whose names say that they are secrets."""
    return [value for name, value in environment.items() if SECRET_VARIABLES.search(name)]


def _named_secrets(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found["value"] for found in ASSIGNED.finditer(value))
    elif isinstance(value, Mapping):
        yield from (part for name, part in value.items() if _is_secret(name, part))
        yield from (secret for part in value.values() for secret in _named_secrets(part))
    elif isinstance(value, list):
        yield from (secret for part in value for secret in _named_secrets(part))


def _struck_out(value: Any, secrets: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return secrets.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        parts = {name: _struck_out(part, secrets) for name, part in value.items()}
        return {name: HIDDEN if _is_secret(name, value[name]) else part for name, part in parts.items()}
    return [_struck_out(part, secrets) for part in value] if isinstance(value, list) else value


def _is_secret(name: str, part: Any) -> bool:
    return isinstance(part, str) and bool(part) and SECRET_NAMES.search(name) is not None
