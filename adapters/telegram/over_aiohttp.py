"""How python-telegram-bot speaks HTTP here: over aiohttp, which takes a fifteenth of the time of its own client.

docs/decisions/0007 has the measurement.
"""

from typing import Any

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
UPLOAD_SECONDS = 120.0
KEEP_ALIVE_SECONDS = 15.0  # less than servers keep an idle connection, so that none is closed under a request


class NotSent(NetworkError):
    """The request has not reached the server: it may be made again without a second thought."""


class Broken(NetworkError):
    """The connection broke under the request: nobody knows whether it was carried out."""


class AiohttpRequest(BaseRequest):
    """A request class with a pool of `connections`. A secret must not be in an error: no address is."""

    def __init__(self, connections: int = 100) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return ANSWER_SECONDS

    async def initialize(self) -> None:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector)

    async def shutdown(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def do_request(  # noqa: PLR0917 - the signature is the base class's
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        write_timeout: Any = None,
        connect_timeout: Any = None,
        pool_timeout: Any = None,
    ) -> tuple[int, bytes]:
        """One request: the status and the body. Raises NotSent, TimedOut and Broken."""
        assert self._session is not None, "initialize() comes first"
        answer = _seconds(
            read_timeout, UPLOAD_SECONDS if request_data and request_data.contains_files else ANSWER_SECONDS
        )
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_seconds(connect_timeout, CONNECT_SECONDS), sock_read=answer
        )
        try:
            async with self._session.request(method, url, data=_body(request_data), timeout=timeout) as response:
                return response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"no connection ({type(error).__name__})") from None
        except TimeoutError:
            raise TimedOut(f"no answer within {answer:g} s") from None
        except aiohttp.ClientError as error:
            raise Broken(f"the connection broke ({type(error).__name__})") from None


def _body(data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if data is None:
        return None
    if not data.contains_files:
        return data.json_parameters
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in (data.multipart_data or {}).items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form


def _seconds(given: Any, default: float) -> float:
    """python-telegram-bot passes a marker where its caller has not said anything."""
    value = DefaultValue.get_value(given)
    return default if value is None else float(value)
