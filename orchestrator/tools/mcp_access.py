"""One account's way into one server: OAuth, with tokens that are kept under lock and outlive a restart."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.utils import union_scopes
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, BaseModel, ConfigDict, Field

from orchestrator.errors import BadInput
from orchestrator.tools.mcp_config import OAuth, ServerSettings

EXPIRES_EARLY_SECONDS = 30.0  # a token is refreshed before it ends, not after
RENEWED_AT_MOST_EVERY_SECONDS = 60.0  # a server that refuses new ones too wants the person
LONG_AGO = 1.0  # seconds since 1970; mcp takes 0 for "never"


class Vault(Protocol):
    """Where secrets are kept, by name."""

    async def read(self, name: str) -> str | None: ...

    async def write(self, name: str, secret: str | None) -> None:
        """Keep a secret in place of an older one; None takes it away."""
        ...

    async def names(self, prefix: str) -> list[str]:
        """The names that begin so."""
        ...


class OpenVault:
    """Keeps secrets as long as the process lives."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    async def read(self, name: str) -> str | None:
        return self._secrets.get(name)

    async def write(self, name: str, secret: str | None) -> None:
        self._secrets.pop(name, None)
        if secret is not None:
            self._secrets[name] = secret

    async def names(self, prefix: str) -> list[str]:
        return [name for name in self._secrets if name.startswith(prefix)]


def secret_name(server: str, account: str) -> str:
    """Under what an account's tokens for a server are kept."""
    return f"{quote(server, safe='')}/{account}"


def sign_in_wanted(server: str) -> str:
    """What to say where a server wants a sign-in."""
    return f"it wants you to sign in: /signin {server}"


class SignInNeeded(OAuthFlowError):
    """Somebody has to sign in before this can go on."""


class RenewalDue(OAuthFlowError):
    """The server takes the token no more, though its time is not over: it can be renewed."""


def _is_news(record: logging.LogRecord) -> bool:
    """That somebody has to sign in is said in the health; mcp would log it as an error, with a traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], SignInNeeded | RenewalDue))


logging.getLogger("mcp.client.auth.oauth2").addFilter(_is_news)


class SignIn:
    """One person on their way through a sign-in: where they are sent, and with what they come back. Servers may send
    them on twice. `sent` is told once there is a `link`."""

    def __init__(self, sent: Callable[[], None]) -> None:
        self.link = ""
        self._sent = sent
        self._returned: asyncio.Future[AuthorizationCodeResult] | None = None

    async def send_to(self, link: str) -> None:
        self._returned = asyncio.get_running_loop().create_future()
        self.link = link
        self._sent()

    async def come_back(self) -> AuthorizationCodeResult:
        assert self._returned is not None
        return await self._returned

    def back_at(self, address: str) -> None:
        """Take the address at which the person's browser has ended. Raises BadInput for one that is none."""
        query = parse_qs(urlsplit(address.strip()).query)
        if "error" in query:
            self._end_with(OAuthFlowError("the sign-in was refused"))
            raise BadInput(f"The server has refused: {query['error'][0][:200]}.")
        if "code" not in query:
            raise BadInput("This is not the address that the sign-in ended at: it holds no code.")
        one = {name: query[name][0] for name in ("code", "state", "iss") if name in query}
        self._end_with(AuthorizationCodeResult(**one))

    @property
    def was_sent(self) -> bool:
        return self._returned is not None

    def _end_with(self, outcome: AuthorizationCodeResult | OAuthFlowError) -> None:
        self.link = ""
        if self._returned is None or self._returned.done():
            return
        if isinstance(outcome, OAuthFlowError):
            self._returned.set_exception(outcome)
        else:
            self._returned.set_result(outcome)


class _Kept(BaseModel):
    """What is known of an account, as it is kept."""

    model_config = ConfigDict(frozen=True)

    tokens: OAuthToken | None = None
    expires_at: float | None = None  # seconds since 1970
    client: OAuthClientInformationFull | None = None
    server: OAuthMetadata | None = None
    resource: ProtectedResourceMetadata | None = None
    issuer: str | None = None
    wanted: str = ""  # the scopes that were asked for and could not be given without the person


class _AtLeast(OAuthClientMetadata):
    """What we register, and with it the scopes that we ask for: `least` in any case. At a sign-in mcp takes those of
    the server's last word alone, and a right that one tool asked for would be lost."""

    least: str = Field("", exclude=True)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, union_scopes(self.least or None, value) if name == "scope" else value)


class Access:
    """Signs the requests of one account to one server.

    Without a `sign_in` under way, a missing token is an error, and `needs_sign_in` is set from then on.
    """

    def __init__(self, settings: ServerSettings, vault: Vault, account: str, *, return_to: str) -> None:
        self._settings = settings
        self._vault = vault
        self._name = secret_name(settings.name, account)
        self._return_to = return_to
        self._kept = _Kept()
        self._provider: OAuthClientProvider | None = None
        self.sign_in: SignIn | None = None
        self.needs_sign_in = False
        self._connection = 0
        self._renewed_at = -RENEWED_AT_MOST_EVERY_SECONDS

    @property
    def wants_more(self) -> bool:
        """Whether the server wants more than the person has agreed to."""
        return bool(self._kept.wanted)

    @property
    def has_tokens(self) -> bool:
        return self._kept.tokens is not None

    async def drop_tokens(self) -> None:
        """Begin anew, as one who is known there."""
        await self._keep(tokens=None, expires_at=None)

    async def forget(self) -> None:
        self._kept = _Kept()
        await self._vault.write(self._name, None)

    async def auth(self) -> httpx2.Auth:
        """What signs the requests of one connection."""
        if kept := await self._vault.read(self._name):
            self._kept = _Kept.model_validate_json(kept)
        self._connection += 1
        if self._kept.expires_at == LONG_AGO:
            self._renewed_at = time.monotonic()
        self._provider = provider = self._of_settings()
        # mcp 2.3 reads the tokens back, but not when they end nor where they are renewed (python-sdk#3250): without
        # these an old token would be taken for good, and the person asked to sign in after each restart.
        known = provider.context
        known.token_expiry_time = self._kept.expires_at
        known.oauth_metadata = self._kept.server
        known.protected_resource_metadata = self._kept.resource
        known.auth_server_url = self._kept.issuer
        return provider

    def _of_settings(self) -> OAuthClientProvider:
        oauth, url = self._settings.oauth or OAuth(), self._settings.url or ""
        if oauth.private_key:
            signed = SignedJWTParameters(issuer=oauth.client_id, subject=oauth.client_id, signing_key=oauth.private_key)
            if oauth.algorithm:
                signed.signing_algorithm = oauth.algorithm
            assertion = signed.create_assertion_provider()
            return PrivateKeyJWTOAuthProvider(url, self, oauth.client_id, assertion, scope=oauth.scope or None)
        if oauth.grant == "client_credentials":
            return ClientCredentialsOAuthProvider(
                url, self, oauth.client_id, oauth.client_secret, scope=oauth.scope or None
            )
        return OAuthClientProvider(
            url,
            self._about_us(oauth),
            self,
            redirect_handler=partial(self._send_to, self._connection),
            callback_handler=self._come_back,
            client_metadata_url=oauth.client_metadata_url or None,
        )

    def _about_us(self, oauth: OAuth) -> OAuthClientMetadata:
        return _AtLeast(
            least=self._kept.wanted,
            client_name="Errand",
            redirect_uris=[AnyUrl(self._return_to)],
            grant_types=["authorization_code", "refresh_token"],
            scope=oauth.scope or None,
        )

    async def _send_to(self, connection: int, link: str) -> None:
        if self.sign_in is None:
            assert self._provider is not None
            if connection != self._connection:  # an older one, with the token of then: it ends anyway
                raise RenewalDue("there is a newer connection")
            if self._may_renew():
                await self._keep(expires_at=LONG_AGO)
                raise RenewalDue("the token is renewed")
            self.needs_sign_in = True
            await self._keep(wanted=self._provider.context.client_metadata.scope or "")
            raise SignInNeeded(sign_in_wanted(self._settings.name))
        await self.sign_in.send_to(link)

    def _may_renew(self) -> bool:
        """Whether a new token may help: mcp asks the person at once, also where a token was taken back early."""
        tokens = self._kept.tokens
        again = time.monotonic() - self._renewed_at < RENEWED_AT_MOST_EVERY_SECONDS
        return tokens is not None and tokens.refresh_token is not None and not again

    async def _come_back(self) -> AuthorizationCodeResult:
        assert self.sign_in is not None
        return await self.sign_in.come_back()

    # --- what mcp asks of a storage of tokens

    async def get_tokens(self) -> OAuthToken | None:
        return self._kept.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        ends = None if tokens.expires_in is None else time.time() + tokens.expires_in - EXPIRES_EARLY_SECONDS
        self.needs_sign_in = False
        await self._keep(tokens=tokens, expires_at=ends, wanted="")

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        oauth = self._settings.oauth
        if self._kept.client is None and oauth and oauth.client_id:
            return OAuthClientInformationFull(
                client_id=oauth.client_id,
                client_secret=oauth.client_secret or None,
                redirect_uris=[AnyUrl(self._return_to)],
                token_endpoint_auth_method="client_secret_basic" if oauth.client_secret else "none",
            )
        return self._kept.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        await self._keep(client=client_info)

    async def _keep(self, **changed: Any) -> None:
        assert self._provider is not None
        known = self._provider.context
        where = {
            "server": known.oauth_metadata,
            "resource": known.protected_resource_metadata,
            "issuer": known.auth_server_url,
        }
        self._kept = self._kept.model_copy(update={**where, **changed})
        await self._vault.write(self._name, self._kept.model_dump_json())
