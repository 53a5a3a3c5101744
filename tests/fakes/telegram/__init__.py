"""A local Telegram for tests, and for trying a bot without an account (docs/fake_telegram.md)."""

from tests.fakes.telegram.person import Chat, FakeTelegram, Somebody, telegram
from tests.fakes.telegram.world import BOT, TOKEN, Shown

__all__ = ["BOT", "TOKEN", "Chat", "FakeTelegram", "Shown", "Somebody", "telegram"]
