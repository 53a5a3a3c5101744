"""The wires of Azure, which speaks OpenAI's format in two ways: for ModelServer, see model_server.py."""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.model_server import SECRET, Loopback, OpenAiWire


class AzureWire(OpenAiWire):
    """Azure OpenAI: a path for each deployment, a version, a key or a token of Entra ID."""

    base = ""
    paths = ("/openai/deployments/some-model/chat/completions",)

    def key(self, request: Request) -> str | None:
        return request.headers.get("api-key") or super().key(request)

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        return super().problem(request, body) if request.query_params.get("api-version") else "api-version is required"


class FoundryWire(AzureWire):
    """Azure AI Foundry: one path for all models."""

    base = "/models"
    paths = ("/chat/completions",)


class IdentityServer(Loopback):
    """The endpoint that Azure gives to a machine with a managed identity. `asked` are the resources of its tokens."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__([Route("/token", self._token)])

    @property
    def environment(self) -> dict[str, str]:
        """What such a machine has in its environment."""
        return {
            "IDENTITY_ENDPOINT": f"{self.url}/token",
            "IDENTITY_HEADER": "obviously-fake-header",
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",  # else other ways to sign in are tried first
        }

    async def _token(self, request: Request) -> Response:
        if request.headers.get("x-identity-header") != "obviously-fake-header":
            return JSONResponse({"error": SECRET}, 403)
        self.asked.append(request.query_params["resource"])
        token = {"access_token": "entra-token", "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        return JSONResponse(token | {"resource": self.asked[-1]})
