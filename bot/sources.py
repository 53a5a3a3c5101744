"""Where tools come from: functions, built-in and the operator's own, code, and the MCP servers of the settings."""

from collections.abc import Collection
from functools import partial

from bot.keys import secret_key
from bot.own_code import own_functions
from bot.settings import Settings, environment, files_folder
from orchestrator.chains import Chain
from orchestrator.coming import Diary
from orchestrator.errors import SettingsInvalid
from orchestrator.reminders import reminder_tools
from orchestrator.sending import sending_tools
from orchestrator.sorting import Sorting
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.code import Code, CodeLimits
from orchestrator.tools.functions import Functions
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import read_servers
from orchestrator.tools.pins import KeptPins
from orchestrator.tools.receipts import receipt_tools
from orchestrator.tools.receipts.azure import AzureVision
from orchestrator.tools.receipts.ocr import Reader as PictureReader
from orchestrator.tools.receipts.tesseract import Tesseract
from orchestrator.tools.spec import Toolset
from orchestrator.tools.vault import KeptVault
from storage.files import FileStore
from storage.store import Store

A_MOMENT = 3.0  # seconds that people wait for servers: those that take longer come in while Errand serves


def default_toolsets(
    settings: Settings, store: Store, worker: Chain | None = None, *, diary: Diary, patient: bool = False
) -> list[Toolset]:
    """The built-in functions, the operator's own, code, and the MCP servers of the settings' file. The worker's chain
    sorts goods of receipts; `diary` is where reminders and messages are written down. `patient` waits for each server.

    Raises SettingsInvalid, also for a module that cannot be used.
    """
    sort = Sorting(worker) if worker else None
    receipts = receipt_tools(_picture_readers(settings), files_folder(settings), sort=sort)
    sending = sending_tools(diary, FileStore(files_folder(settings)), settings.send_to)
    ours = [*BUILTIN, *receipts, *reminder_tools(store, diary), *sending]
    functions = Functions([*ours, *own_functions(settings.functions)])
    return [functions, Code(_code_limits(settings)), mcp_tools(settings, store, patient=patient)]


def mcp_tools(settings: Settings, store: Store, *, only: Collection[str] = (), patient: bool = True) -> McpTools:
    """The MCP servers of the settings' file, or only these of them, with the sign-ins that the store keeps."""
    servers, problems = read_servers(settings.servers, environment()) if settings.servers.exists() else ([], [])
    return McpTools(
        [each for each in servers if not only or each.name in only],
        [each for each in problems if not only or each.server in only],
        connect_timeout_seconds=settings.connect_seconds,
        wait_seconds=settings.connect_seconds if patient else A_MOMENT,
        vault=KeptVault(store, partial(secret_key, settings)),
        return_to=settings.sign_in_address,
        pins=KeptPins(store),
    )


def _picture_readers(settings: Settings) -> list[PictureReader]:
    """Azure where it is configured, which is an operator's wish; behind it Tesseract where it is installed."""
    readers: list[PictureReader] = []
    if settings.azure_vision_endpoint:
        if settings.azure_vision_key is None:
            raise SettingsInvalid("azure_vision_endpoint needs azure_vision_key (ERRAND_AZURE_VISION_KEY)")
        key = settings.azure_vision_key.get_secret_value()
        readers.append(AzureVision(settings.azure_vision_endpoint, key, seconds=settings.tool_seconds / 2))
    return [*readers, *Tesseract.installed(settings.ocr_languages)]


def _code_limits(settings: Settings) -> CodeLimits:
    return CodeLimits(
        seconds=settings.code_seconds,
        memory_mb=settings.code_memory_mb,
        depth=settings.code_depth,
        output_characters=settings.code_output_characters,
        printed_characters=settings.code_printed_characters,
        calls=settings.code_calls,
    )
