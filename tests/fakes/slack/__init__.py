"""A local Slack: its Web API, Socket Mode and HTTP requests, with people in front of them."""

from tests.fakes.slack.chat import Chat
from tests.fakes.slack.clock import FastClock, VirtualClock
from tests.fakes.slack.events import DEFAULT_EVENTS
from tests.fakes.slack.person import PICTURE, Person
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.server import DEFAULT_SCOPES, slack
from tests.fakes.slack.state import Limits
from tests.fakes.slack.tiers import Tiers
from tests.fakes.slack.world import Slack

__all__ = [
    "DEFAULT_EVENTS",
    "DEFAULT_SCOPES",
    "PICTURE",
    "Chat",
    "FastClock",
    "Limits",
    "Person",
    "Shown",
    "Slack",
    "Tiers",
    "VirtualClock",
    "slack",
]
