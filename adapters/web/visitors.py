"""Who a request is from: the owner of this machine, whoever knows the token, or whom a trusted proxy names."""

import hashlib
import hmac
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import HTTPConnection

from orchestrator.messages import Person

Network = IPv4Network | IPv6Network

COOKIE = "errand"
COOKIE_SECONDS = 30 * 86_400  # that a sign-in holds
SHORTEST_TOKEN = 16  # characters: nobody guesses those over a network
LONGEST_NAME = 200  # characters of a name that a proxy brings
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Visitors:
    """Tells people apart. Without `token` and `header` everybody is the `owner`: then only this machine may come in.

    `header` is what a reverse proxy names the person with, believed only from the addresses of `proxies`. `names` are
    the host names under which people reach the page, besides those of this machine.
    """

    owner: Person
    token: str = ""
    header: str = ""
    proxies: Sequence[Network] = ()
    names: Collection[str] = ()

    @property
    def is_open(self) -> bool:
        """Whether whoever reaches the page is let in."""
        return not (self.token or self.header)

    def of(self, request: HTTPConnection) -> Person | None:
        """The person behind a request; None where they must sign in first."""
        if self.is_open:
            return self.owner
        return self._named_by_proxy(request) or (self.owner if self._has_token(request) else None)

    def is_signed(self, request: HTTPConnection) -> bool:
        """Whether a request carries the token itself: a browser never adds that to another site's request."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return bool(self.token) and kind.lower() == "bearer" and _same(given.strip(), self.token)

    def knows(self, token: str) -> bool:
        return bool(self.token) and _same(token, self.token)

    def comes_by_proxy(self, request: HTTPConnection) -> bool:
        """Whether a request comes from the address of a trusted proxy."""
        try:
            address = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(address in network for network in self.proxies)

    def cookie(self) -> str:
        """What a browser that has shown the token may show instead of it."""
        expires = str(int(time.time()) + COOKIE_SECONDS)
        return f"{expires}.{self._signature(expires)}"

    def _has_token(self, request: HTTPConnection) -> bool:
        if not self.token:
            return False
        expires, _, signature = request.cookies.get(COOKIE, "").partition(".")
        is_ours = _same(signature, self._signature(expires))
        return (is_ours and int(expires) > time.time()) or self.is_signed(request)

    def _signature(self, expires: str) -> str:
        key = hashlib.sha256(b"errand page\0" + self.token.encode()).digest()
        return hmac.new(key, expires.encode(), "sha256").hexdigest()

    def _named_by_proxy(self, request: HTTPConnection) -> Person | None:
        if not (self.header and self.comes_by_proxy(request)):
            return None
        name = request.headers.get(self.header, "").strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            return None
        return Person(id=name, name=name)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
