"""What stands before every request: who it is for, where it comes from, whom it is from, and how it may be shown."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.hooks import PATHS
from adapters.web.visitors import LOOPBACK, Visitors

HARMLESS = frozenset({"GET", "HEAD"})
OF_OTHERS = ("/api/", *PATHS)  # they look for themselves who is there, by tokens and signatures
WITHOUT_SIGNING_IN = ("/static/", "/login", "/healthz", "/readyz", *OF_OTHERS)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with "no-referrer" a browser does not say the origin of a form either
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets through what may come in, with the person as `request.state.person`, and puts the headers on what goes out.
    An answer's own headers stand over ours."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # there is no other kind here
            return
        request = Request(scope)
        refused = self._refusal(request)
        await (refused or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, request: Request) -> Response | None:
        """Why it may not come in; None where it may."""
        host = _host(request.headers.get("host", ""))
        if not self._is_ours(host):
            return PlainTextResponse(
                f"This page is not known as {host!r}. Where that is its name, add it to the setting web_names.", 421
            )
        if self._comes_from_elsewhere(request):
            return PlainTextResponse("This request comes from another page.", 403)
        person = self._visitors.of(request)
        if person is not None:
            request.state.person = person
        elif not request.url.path.startswith(WITHOUT_SIGNING_IN):
            return self._to_the_door(request)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether we go by this name. An address is no name: nobody can make one lead here (DNS rebinding)."""
        return host in LOOPBACK or host in self._visitors.names or (not self._visitors.is_open and _is_address(host))

    def _comes_from_elsewhere(self, request: Request) -> bool:
        """Whether another site makes the browser ask this: its Origin, or the browser, says so."""
        if self._visitors.is_signed(request):
            return False
        origin = request.headers.get("origin")  # programs have none; what another site leads here has one
        if origin is not None or not (request.method in HARMLESS or request.url.path.startswith(OF_OTHERS)):
            place = (origin or "").partition("://")[2]
            return place != request.headers.get("host") and _host(place) not in self._visitors.names
        is_from_others = request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        return is_from_others and request.headers.get("sec-fetch-mode") != "navigate"

    def _to_the_door(self, request: Request) -> Response:
        if not self._visitors.token:
            return PlainTextResponse("Your sign-in has not come through the proxy. Open the page by its address.", 403)
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
        return PlainTextResponse("Please sign in.", 401)


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
