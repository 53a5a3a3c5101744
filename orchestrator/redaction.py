"""Keeps secrets out of what is written down: the ones that we know, and whatever looks like one."""

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from orchestrator.json_texts import texts, with_texts

HIDDEN = "[secret]"
UNMISTAKABLE = 8  # characters that no sentence has by chance, where digits and letters are mixed; twice as many else
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

    def holds(self, value: Any) -> bool:
        """Whether one of the known secrets stands in a JSON value, plain, or in Base64, hexadecimal or %-signs."""
        return bool(self._written) and any(self._anyhow.search(text) for text in texts(value))

    def begins(self, text: str) -> bool:
        """Whether half of a known secret stands in a text, as in one that is still being written."""
        return any(each[: max(UNMISTAKABLE, len(each) // 2)] in text for each in self._written)

    def known_struck_out(self, value: Any) -> Any:
        """A JSON value without the known secrets, however they are written; all else stays as it is."""
        return with_texts(value, lambda text: self._anyhow.sub(HIDDEN, text)) if self._written else value

    @cached_property
    def _written(self) -> list[str]:
        """The known secrets in all ways in which they may be written, the longest first."""
        secrets = (secret for secret in self._known if _is_unmistakable(secret))
        return sorted({way for secret in secrets for way in _ways(secret)}, key=len, reverse=True)

    @cached_property
    def _anyhow(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._written)))


BY_SHAPE = Redaction()


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """The values of an environment whose names say that they are secrets."""
    return [value for name, value in environment.items() if SECRET_VARIABLES.search(name)]


def _is_unmistakable(secret: str) -> bool:
    """Whether a secret is no word that people use: a database's password may be "postgres"."""
    is_mixed = any(map(str.isdigit, secret)) and any(map(str.isalpha, secret))
    return len(secret) >= (UNMISTAKABLE if is_mixed else 2 * UNMISTAKABLE)


def _ways(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield from (secret, secret[::-1], quote(secret, safe=""), data.hex(), data.hex().upper())
    for offset in range(3):  # Base64 writes three bytes as four letters: what stands before shifts it
        whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        middle = whole[offset + 1 if offset else 0 : len(whole) - 1]  # its ends depend on the neighbours
        yield from (middle, middle.replace("+", "-").replace("/", "_"))


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
