"""A local Telegram: a Bot API server with people in front of it."""

from tests.fakes.telegram.clock import VirtualClock
from tests.fakes.telegram.flood import FloodLimits, Rate
from tests.fakes.telegram.person import PICTURE, Chat, Person
from tests.fakes.telegram.server import telegram
from tests.fakes.telegram.state import TOKEN, Limits, Shown
from tests.fakes.telegram.webhook import Pace
from tests.fakes.telegram.world import World

__all__ = [
    "PICTURE",
    "TOKEN",
    "Chat",
    "FloodLimits",
    "Limits",
    "Pace",
    "Person",
    "Rate",
    "Shown",
    "VirtualClock",
    "World",
    "telegram",
]
