"""An MCP server behind a sign-in, with its authorization server beside it. Whoever comes to sign in is let in."""

import asyncio
import secrets
import socket
import time
from types import TracebackType
from typing import Any, Self

import httpx2
import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl

Provider = OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]


class Accounts(Provider):
    """Gives out tokens for `person`, good for `expires_in` seconds; an expired one is refused."""

    def __init__(self, expires_in: int) -> None:
        self.expires_in = expires_in
        self.person = "ann"
        self.sign_ins = 0
        self.renewals = 0
        self.given_out: list[str] = []
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._tokens: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}

    def expire_all(self) -> None:
        """Let no access token be good any more; they can be renewed."""
        self._tokens.clear()

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self._clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.sign_ins += 1
        code = secrets.token_urlsafe(24)
        self._codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=self.person,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self._codes[authorization_code.code]
        return self._token(client, authorization_code.subject)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self._refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.renewals += 1
        del self._refresh[refresh_token.token]
        return self._token(client, refresh_token.subject)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self._tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self._tokens.pop(token.token, None)
        self._refresh.pop(token.token, None)

    def _token(self, client: OAuthClientInformationFull, person: str | None) -> OAuthToken:
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.given_out += [access, refresh]
        self._tokens[access] = AccessToken(token=access, client_id=client.client_id, scopes=[], subject=person)
        self._refresh[refresh] = RefreshToken(token=refresh, client_id=client.client_id, scopes=[], subject=person)
        return OAuthToken(access_token=access, refresh_token=refresh, expires_in=self.expires_in)


class OAuthServer:
    """The server, with a tool `whoami`."""

    def __init__(self, *, expires_in: int = 3600) -> None:
        self.accounts = Accounts(expires_in)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        place = AnyHttpUrl(self.url)
        server = MCPServer[Any](
            "team",
            log_level="ERROR",
            auth_server_provider=self.accounts,
            auth=AuthSettings(
                issuer_url=place,
                resource_server_url=AnyHttpUrl(f"{self.url}/mcp"),
                client_registration_options=ClientRegistrationOptions(enabled=True),
                validate_token_resource=False,
            ),
        )
        server.tool(annotations=None)(whoami)
        config = uvicorn.Config(server.streamable_http_app(), log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)

    async def __aenter__(self) -> Self:
        self._serving = asyncio.ensure_future(self._server._serve([self._socket]))
        async with asyncio.timeout(20):
            while not self._server.started:
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        await self._serving


def whoami() -> str:
    """Who has signed in."""
    token = get_access_token()
    return f"you are {token.subject}" if token else "nobody"


async def sign_in(link: str) -> str:
    """What a person does with a link: where their browser ends."""
    async with httpx2.AsyncClient() as browser:
        response = await browser.get(link, follow_redirects=False)
    return str(response.headers["location"])
