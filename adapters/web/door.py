"""Signing in with the token, and out again."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.web.page import sign_in
from adapters.web.reading import Refused, form_of, theme_of
from adapters.web.visitors import COOKIE, COOKIE_SECONDS, Visitors
from orchestrator.words import speaking


class Door:
    """The page that asks for the token, and the cookie that stands for it."""

    def __init__(self, visitors: Visitors, *, language: str) -> None:
        self._visitors = visitors
        self._language = language

    def routes(self) -> list[Route]:
        if not self._visitors.token:
            return []
        return [
            Route("/login", self._ask, methods=["GET"]),
            Route("/login", self._enter, methods=["POST"]),
            Route("/logout", self._leave, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        return self._form(request, next_page=request.query_params.get("next", "/"))

    async def _enter(self, request: Request) -> Response:
        try:
            given = await form_of(request)
        except Refused as refused:
            return HTMLResponse(str(refused), refused.status)
        next_page = next(iter(given.get("next", ())), "/")
        if not self._visitors.knows(next(iter(given.get("token", ())), "")):
            return self._form(request, next_page=next_page, wrong=True)
        response = RedirectResponse(_own_page(next_page), 303)
        response.set_cookie(
            COOKIE,
            self._visitors.cookie(),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
            secure=self._is_encrypted(request),
        )
        return response

    async def _leave(self, request: Request) -> Response:
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    def _form(self, request: Request, *, next_page: str, wrong: bool = False) -> Response:
        with speaking(self._language):
            html = sign_in(
                wrong=wrong, next_page=_own_page(next_page), language=self._language, theme=theme_of(request)
            )
        return HTMLResponse(html, 403 if wrong else 200)

    def _is_encrypted(self, request: Request) -> bool:
        by_proxy = self._visitors.comes_by_proxy(request) and request.headers.get("x-forwarded-proto") == "https"
        return request.url.scheme == "https" or by_proxy


def _own_page(path: str) -> str:
    """A page of ours; what leads elsewhere leads to the first one."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
