"""What Telegram's refusals mean, by the words that it uses (tdlib/telegram-bot-api, Client.cpp)."""

from datetime import timedelta

from telegram.error import BadRequest, EndPointNotFound, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from adapters.base import DeliveryError
from adapters.telegram.over_aiohttp import Broken

FOR_GOOD = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "not enough rights",
    "chat_write_forbidden",
    "have no rights to send",
    "topic_closed",
    "group chat was deactivated",
)
UNFORMATTED = ("parse entities", "entity", "entities")


def is_unclear(error: TelegramError) -> bool:
    """Whether the request may have been carried out all the same."""
    return type(error) is TimedOut or isinstance(error, Broken)


def is_unchanged(error: TelegramError) -> bool:
    return isinstance(error, BadRequest) and "not modified" in error.message.casefold()


def is_missing_method(error: TelegramError) -> bool:
    """Whether the server is older than what was asked of it."""
    words = error.message.casefold()
    return isinstance(error, EndPointNotFound | InvalidToken) and ("method" in words or "endpoint" in words)


def is_about_formatting(error: TelegramError) -> bool:
    return isinstance(error, BadRequest) and any(word in error.message.casefold() for word in UNFORMATTED)


def is_about_thread(error: TelegramError) -> bool:
    return isinstance(error, BadRequest) and "thread not found" in error.message.casefold()


def is_message_gone(error: TelegramError) -> bool:
    words = error.message.casefold()
    return isinstance(error, BadRequest) and ("message to edit not found" in words or "can't be edited" in words)


def is_chat_gone(error: TelegramError) -> bool:
    """Whether nothing will arrive there any more: the bot was blocked or removed, or the chat is not there."""
    words = error.message.casefold()
    return isinstance(error, Forbidden) or (isinstance(error, BadRequest) and any(word in words for word in FOR_GOOD))


def seconds_of(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def as_delivery_error(error: TelegramError) -> DeliveryError:
    """The same for the core, in words that hold no address and no token."""
    if isinstance(error, RetryAfter):
        seconds = seconds_of(error)
        return DeliveryError(f"Telegram wants a pause of {seconds:g} s", retry_after_seconds=seconds)
    return DeliveryError(f"Telegram: {error.message}", gone=is_chat_gone(error) or isinstance(error, BadRequest))
