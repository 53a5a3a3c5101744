"""Every setting: from the environment (ERRAND_...), the folder of secrets, .env, then errand.toml. None is needed."""

import getpass
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from orchestrator.errors import SettingsInvalid
from orchestrator.limits import rules_in
from orchestrator.redaction import Redaction, secrets_in
from orchestrator.sending import HERE, address_of
from orchestrator.sessions import Verbosity
from orchestrator.tools.mcp_config import read_servers

WhileBusy = Literal["queue", "steer", "interrupt"]
CONFIG_FILE = "errand.toml"
PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _cores() -> float:
    return float(os.cpu_count() or 1)


class Settings(BaseSettings):
    """Each field can be set as ERRAND_NAME, or as `name = value` in errand.toml. Chains are
    `provider:model, provider:model?temperature=0&seconds=20`, asked in that order."""

    model_config = SettingsConfigDict(
        env_prefix="ERRAND_", env_file=".env", toml_file=CONFIG_FILE, extra="forbid", frozen=True
    )

    secrets: Path | None = Field(
        None, description="Folder with secrets, a file each, named as its variable. Read from the environment alone."
    )
    database: str = Field("errand.db", description="Path of the SQLite file, or a postgresql:// URL.")
    files: str = Field(
        "",
        description="Folder of the files that people send and tools make. "
        "Empty: errand-files beside the SQLite database.",
    )
    servers: Path = Field(Path("mcp.json"), description="File of MCP servers in the mcpServers form.")
    secret_key: SecretStr | None = Field(
        None,
        description="Words that encrypt sign-ins at MCP servers. Empty: errand.key, made beside the data.",
    )
    sign_in_address: str = Field(
        "http://127.0.0.1:8765/signed-in",
        description="Address that a sign-in at an MCP server ends at. Nothing need be there: people copy it.",
    )
    functions: str = Field("", description='Modules with functions of your own, such as "mytools, shop.tools".')
    embedder: str = Field("", description='What finds tools by meaning, such as "mytools:embedder". Empty: words.')
    policy_file: Path = Field(Path("policy.toml"), description="File of roles and what they may do (docs/people.md).")
    router: str = Field("", description='Chain of the front call, such as "openai:gpt-4o-mini, openai:gpt-4o".')
    local: str = Field(
        "",
        description='Chain that decides on simple requests, such as "ollama:llama3.2:3b". Empty: the router decides.',
    )
    simple_things: int = Field(3, ge=1, description="Things that a simple request may ask for.")
    simple_characters: int = Field(400, ge=1, description="Characters that a simple request may have.")
    complex_work: str = Field(
        "", description='Words that make a request complex, such as "tender, legal review"; their beginnings suffice.'
    )
    local_hand_overs: int = Field(
        3, ge=0, description="Steps for workers of a local plan above which the router decides."
    )
    local_confidence: float = Field(
        0.75, ge=0, le=1, description="Certainty of a local plan below which the router decides."
    )
    planner: str = Field("", description="Chain that writes plans, before the router's. Empty: the router plans.")
    worker: str = Field("", description="Chain that does tasks of a plan in a loop with tools. Empty: the router's.")
    workers: Path = Field(Path("workers.toml"), description="File of workers, a table each (docs/workers.md).")
    synthesizer: str = Field("", description="Chain that writes the answer from results. Empty: the router's.")
    cheap: str = Field(
        "", description="Chain that simple requests go to once 90 % of a budget is spent. Empty: nothing changes."
    )
    budgets: str = Field(
        "",
        description='Limits between commas, such as "person day 50000 tokens, team month 20 usd". Empty: none.',
    )
    litellm_proxy: str = Field(
        "", description="Name among the addresses of a LiteLLM proxy whose budget for our key is told to admins."
    )
    budget_output_tokens: int = Field(
        1_000, ge=1, description="Tokens that are reserved for the answer of a model call before it is made."
    )
    unknown_price_usd: float | None = Field(
        None,
        ge=0,
        description="US dollars that a million tokens without a known price count as in budgets. "
        "Empty: their tokens count, their money does not.",
    )
    messages_a_minute: int = Field(0, ge=0, description="Messages a minute that one person may send. 0: any number.")
    addresses: Annotated[Mapping[str, str], NoDecode] = Field(
        {}, description='Where model servers are, such as "ollama=http://gpu:11434, mine=http://127.0.0.1:8080/v1".'
    )
    openai_base_url: str | None = Field(None, description="Address of an OpenAI-compatible server, ending in /v1.")
    openai_api_key: SecretStr | None = Field(None, description="Key for it. Empty: OPENAI_API_KEY.")
    first_model_seconds: float = Field(30.0, gt=0, description="Seconds that a chain's first model has to answer.")
    next_model_seconds: float = Field(15.0, gt=0, description="Seconds that each further model of a chain has.")
    model_retries: int = Field(1, ge=0, description="Further tries of one model after trouble that may pass.")
    retry_seconds: float = Field(0.25, gt=0, description="Seconds before the first further try; doubles each time.")
    tool_seconds: float = Field(60.0, gt=0, description="Seconds that one tool call may take.")
    connect_seconds: float = Field(30.0, gt=0, description="Seconds that an MCP server has to come up.")
    fetch_seconds: float = Field(60.0, gt=0, description="Seconds that a channel has to bring one file.")
    images: Literal["off", "on"] = Field(
        "off", description="Whether models see the pictures that people send: on, if all models of the chains can."
    )
    transcription: str = Field("", description="Tool that writes voice messages down, given the path of the recording.")
    ocr_languages: str = Field(
        "eng+deu", description="Languages in which Tesseract reads pictures of receipts, those of them that it has."
    )
    azure_vision_endpoint: str = Field(
        "",
        description="Address of an Azure Computer Vision resource, which reads pictures of receipts before Tesseract.",
    )
    azure_vision_key: SecretStr | None = Field(None, description="Key of that resource.")
    history_messages: int = Field(10, ge=0, description="Earlier messages that a model sees.")
    message_characters: int = Field(20_000, ge=1, description="Characters of the longest message that is worked on.")
    step_retries: int = Field(2, ge=0, description="Further tries of a harmless call after trouble that may pass.")
    step_retry_seconds: float = Field(0.5, gt=0, description="Seconds before the first of them; doubles each time.")
    step_input_characters: int = Field(100_000, ge=1, description="Characters of one argument that a step may take.")
    cpus: float = Field(default_factory=_cores, gt=0, description="Processor cores that steps with needs may take.")
    gpu_mb: int = Field(0, ge=0, description="Megabytes of GPU memory that steps with needs may take. 0: not counted.")
    steps_at_once: int = Field(4, ge=1, description="Steps of one plan that may run side by side.")
    sure_enough: float = Field(0.60, ge=0, le=1, description="Certainty of a step below which it asks first.")
    low_confidence: float = Field(0.75, ge=0, le=1, description="Certainty of a plan below which it is told.")
    questions_before_review: int = Field(
        2, ge=0, description="Questions of a plan above which it is shown as a whole before anything runs."
    )
    free_cost_usd: float = Field(0.0, ge=0, description="US dollars that a call may cost without asking.")
    review: Literal["questions", "always"] = Field(
        "questions",
        description='When a plan is shown before it runs: "questions" (too many; lines that change nothing may have '
        'begun by then), or "always" (nothing runs before).',
    )
    plan_steps: int = Field(20, ge=1, description="Steps that a model's plan may have.")
    plan_workers: int = Field(4, ge=0, description="Steps of them that may be tasks for workers.")
    worker_calls: int = Field(8, ge=0, description="Tool calls that one task of a worker may make.")
    worker_tokens: int = Field(20_000, ge=1, description="Tokens in and out that one task of a worker may use.")
    worker_seconds: float = Field(120.0, gt=0, description="Seconds that one task of a worker may take.")
    code_seconds: float = Field(5.0, gt=0, description="Seconds that code of a step may compute, without its tools.")
    code_memory_mb: int = Field(64, ge=8, description="Megabytes of values that code of a step may hold.")
    code_depth: int = Field(200, ge=10, le=1_000, description="Calls inside of calls that code of a step may make.")
    code_output_characters: int = Field(100_000, ge=1, description="Characters of the output of code, as JSON.")
    code_printed_characters: int = Field(10_000, ge=0, description="Characters that code of a step may print.")
    code_calls: int = Field(50, ge=0, description="Calls of tools that code of a step may make.")
    replans: int = Field(1, ge=0, description="New plans that one request may get after steps that did not work.")
    while_busy: WhileBusy = Field(
        "queue", description="What a message does that comes while another is worked on: queue, steer or interrupt."
    )
    drain_seconds: float = Field(10.0, ge=0, description="Seconds that running turns have to end at a stop.")
    cluster_sessions: int = Field(50, ge=1, description="Of a cluster: sessions that one worker works off at once.")
    language: str = Field("en", pattern="^(en|de)$", description="Language of those who have not chosen one.")
    verbosity: Verbosity = Field("normal", description="How much is shown of the work: quiet, normal or full.")
    telegram_token: SecretStr | None = Field(None, description="Token of a Telegram bot, from @BotFather.")
    telegram_people: str = Field(
        "", description='Who may talk to it without a code: ids and @usernames between commas, or "*" for everybody.'
    )
    telegram_context: int = Field(
        0, ge=0, description="Messages of a group that were not for the bot and are shown to it with the next one."
    )
    telegram_rich: bool = Field(default=True, description="Send tables as rich messages, where Telegram has them.")
    telegram_rate: int = Field(28, ge=1, description="Messages a second over all chats; Telegram allows 30.")
    telegram_api: str = Field("https://api.telegram.org", description="Address of the Bot API server.")
    telegram_webhook_url: str = Field(
        "", description="Public address ending in /telegram at which Telegram reaches the bot. Empty: it is polled."
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None, description="Secret that Telegram sends with each update. Needed with a webhook."
    )
    telegram_webhook_listen: str = Field(
        "127.0.0.1:8443", description='Address and port that the webhook listens on, or "page": the page\'s server.'
    )
    slack_bot_token: SecretStr | None = Field(None, description="Bot token of a Slack app; it begins with xoxb-.")
    slack_app_token: SecretStr | None = Field(
        None, description="App-level token for Socket Mode; it begins with xapp-. Empty: HTTP mode."
    )
    slack_signing_secret: SecretStr | None = Field(
        None, description="Secret with which Slack signs its requests. Needed in HTTP mode."
    )
    slack_listen: str = Field(
        "127.0.0.1:3000", description='Address and port that HTTP mode listens on, or "page": the page\'s server.'
    )
    slack_people: str = Field(
        "", description='Who may talk to it: user ids between commas. Empty: full members; "*": guests and others too.'
    )
    slack_direct: Literal["threads", "one"] = Field(
        "threads", description="Whether each direct message begins a conversation of its own, or all are one."
    )
    slack_follow: bool = Field(
        default=True, description="Take what is said in a thread that began with a mention, without a further one."
    )
    slack_streams: bool = Field(default=True, description="Show answers as they grow, where the workspace has streams.")
    slack_rate: int = Field(280, ge=1, description="Messages a minute over all channels.")
    slack_api: str = Field("https://slack.com/api/", description="Address of the Web API.")
    slack_client_id: str = Field("", description="Client id, where several workspaces install it. Needs HTTP mode.")
    slack_client_secret: SecretStr | None = Field(None, description="Client secret for that.")
    slack_public_url: str = Field("", description="Public address of HTTP mode, for installs: https://errand.example.")
    slack_installs: str = Field(
        "sqlite:///errand-slack.db", description="Database of the workspaces that have installed the app."
    )
    unanswered_hours: float = Field(
        24.0, gt=0, description="Hours after which a question that nobody answered enters the review queue."
    )
    web: bool = Field(default=True, description="Open the web page, in a chat in the terminal and when serving.")
    web_host: str = Field("127.0.0.1", description="Address that the page listens on. Others than this need a token.")
    web_port: int = Field(
        8700,
        ge=0,
        le=65535,
        description="Port of the page. 0: any free one. Not set: the next free one, if it is taken.",
    )
    web_token: SecretStr | None = Field(
        None, description="Words with which people sign in at the page, 16 characters or more."
    )
    web_names: str = Field(
        "", description="Names under which people reach the page, between commas, such as errand.example."
    )
    web_proxy_header: str = Field(
        "", description="Header in which a reverse proxy says who is there, such as X-Forwarded-User."
    )
    web_trusted_proxies: str = Field(
        "", description="Addresses that this header is believed from, between commas, such as 10.0.0.2, 10.1.0.0/16."
    )
    web_upload_mb: int = Field(20, ge=1, description="Megabytes of a file that people send on the page.")
    log_level: str = Field("WARNING", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="How the log is written: text for people, json with the ids of turn, step and trace."
    )
    otlp_endpoint: str = Field(
        "", description="Address of a collector of traces, such as http://127.0.0.1:4318. Empty: none are sent."
    )
    otlp_headers: SecretStr | None = Field(
        None, description='Headers that it wants, such as "authorization=Bearer KEY".'
    )
    otlp_contents: bool = Field(
        default=False, description="Put into traces what people, models and tools say; known secrets are struck out."
    )
    metrics: bool = Field(default=False, description="Count what goes on, for Prometheus to fetch.")
    metrics_listen: str = Field(
        "127.0.0.1:9464", description="Address and port at which Prometheus finds /metrics. Port 0: any free one."
    )
    send_to: Annotated[Mapping[str, str], NoDecode] = Field(
        {}, description='Where tools may send messages and files, such as "team=slack:C0123, ann=telegram:42".'
    )
    time_zone: str = Field("UTC", description="Time zone of those who have not chosen one, such as Europe/Berlin.")
    missed_reminders: Literal["catch_up", "skip"] = Field(
        "catch_up", description="What becomes of reminders that were due while nothing ran: catch_up (once) or skip."
    )
    keep_turns_days: int = Field(0, ge=0, description="Days that messages, answers and dossiers are kept. 0: for ever.")
    keep_files_days: int = Field(0, ge=0, description="Days that files of people and tools are kept. 0: for ever.")
    keep_audit_days: int = Field(0, ge=0, description="Days that rows of the audit are kept. 0: for ever.")
    keep_declined_days: int = Field(
        365, ge=0, description="Days that requests which nothing could serve are kept for insights. 0: for ever."
    )
    person: str = Field(default_factory=getpass.getuser, description="Name of the person at the terminal.")

    @field_validator("database")
    @classmethod
    def _is_a_known_database(cls, value: str) -> str:
        scheme, separator, _ = value.partition("://")
        if separator and scheme.split("+")[0] not in {"sqlite", "postgresql"}:
            raise ValueError(f"{scheme}:// is no database that Errand knows; use a file's path or postgresql://...")
        return value

    @field_validator("budgets")
    @classmethod
    def _are_limits(cls, value: str) -> str:
        return _read(value, rules_in)

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_reached_by_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("write http://host:4318 or https://host")
        return value

    @field_validator("metrics_listen")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 2**16):
            raise ValueError("write host:port, such as 127.0.0.1:9464")
        return value

    @field_validator("addresses", "send_to", mode="before")
    @classmethod
    def _are_addresses(cls, value: Any) -> Any:
        """A table of errand.toml, or text: name=address, name=address."""
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        return {name.strip(): address.strip() for name, _, address in pairs}

    @field_validator("addresses")
    @classmethod
    def _lead_somewhere(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, address in value.items():
            if not (PROVIDER_NAME.fullmatch(name) and address.startswith(("http://", "https://"))):
                raise ValueError(f"{name!r} has the address {address!r}; write name=http://host:port/path")
        return value

    @field_validator("send_to")
    @classmethod
    def _are_places(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, place in value.items():
            if not name or name == HERE:
                raise ValueError(f"{name!r} is no name for a place; write name=channel:chat")
            address_of(place)
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; write a name such as Europe/Berlin")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = secrets_folder()
        secrets = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if folder else []
        ours, toml = _OurLines(settings_cls), TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, *secrets, ours, toml


class _OurLines(DotEnvSettingsSource):
    """What .env says about us: the providers' keys may stand there too, and are no settings."""

    def __call__(self) -> dict[str, Any]:
        ours = {*Settings.model_fields}
        return {name: value for name, value in super().__call__().items() if name in ours or name.startswith("errand_")}


def _read(value: str, read: Callable[[str], object]) -> str:
    """The value, if it can be read."""
    try:
        read(value)
    except SettingsInvalid as error:
        raise ValueError(str(error)) from None
    return value


def read_settings(**given: Any) -> Settings:
    """The settings of this folder and environment. Raises SettingsInvalid: which one, what it must be, where to fix."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsInvalid("\n".join(_problem(each) for each in error.errors())) from None
    except ValueError as error:  # an errand.toml that is no TOML
        raise SettingsInvalid(f"{CONFIG_FILE} cannot be read: {error}") from None


def files_folder(settings: Settings) -> Path:
    """Where files are kept; with PostgreSQL in this folder, where nothing else is set."""
    if settings.files:
        return Path(settings.files).expanduser()
    scheme, separator, place = settings.database.partition("://")
    if separator and not scheme.startswith("sqlite"):
        return Path("errand-files")
    path = place.removeprefix("/") if separator else settings.database  # sqlite:///relative, sqlite:////absolute
    return Path(path).expanduser().with_name("errand-files")


def secrets_folder() -> Path | None:
    """Where a container, a cluster or systemd lays secrets. Raises SettingsInvalid."""
    named = os.environ.get("ERRAND_SECRETS")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise SettingsInvalid(f"ERRAND_SECRETS is {named!r}, which is no folder.")
    if locked := [each.name for each in folder.iterdir() if not os.access(each, os.R_OK)]:
        raise SettingsInvalid(f"{folder / locked[0]} cannot be read: user {os.getuid()} must be let in.")
    return folder


def environment() -> Mapping[str, str]:
    """The environment, and what the folder of secrets and .env add to it: the providers' keys may stand there, beside
    our settings."""
    folder = secrets_folder()
    files = [each for each in folder.iterdir() if each.is_file()] if folder else []
    secrets = {file.name.upper(): file.read_text(encoding="utf-8").strip() for file in files}
    return {name: value for name, value in dotenv_values(".env").items() if value} | secrets | os.environ


def redaction_of(settings: Settings) -> Redaction:
    """What keeps this installation's keys, and those of its servers, out of all records, calls and answers.

    Raises ServersInvalid.
    """
    keys = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    servers, _ = read_servers(settings.servers, environment()) if settings.servers.exists() else ([], [])
    theirs = [secret for server in servers for secret in server.secrets]
    return Redaction([*keys, *secrets_in(environment()), *theirs])


def _problem(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"]) or "settings"
    message = error["msg"].removeprefix("Value error, ")
    field = Settings.model_fields.get(name)
    if field is None:
        return f"There is no setting {name!r}. Take it out of {CONFIG_FILE} or .env; docs/settings.md lists them all."
    return (
        f"The setting {name!r} (ERRAND_{name.upper()}) is {error['input']!r}, which is wrong: {message}. "
        f"It is: {field.description}"
    )
