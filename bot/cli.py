"""The command line: `errand`, with all of its commands."""

import sys

from adapters.base import ChannelClosed
from bot.commands import moving, people, privacy, programs, records, serving, setup, tools
from bot.commands.root import errand
from orchestrator.errors import ErrandError
from storage.errors import StorageError

EXPECTED = (ErrandError, StorageError, ChannelClosed)  # errors whose message is a sentence for the operator
__all__ = ["errand", "main"]
COMMANDS = (serving, tools, records, privacy, people, programs, moving, setup)  # their import adds what they offer


def main() -> None:
    """The `errand` command: errors that a person can mend are told in a sentence, without a traceback."""
    try:
        errand()
    except EXPECTED as error:
        sys.exit(f"errand: {error}")
    except ExceptionGroup as group:
        expected, rest = group.split(EXPECTED)
        if expected is None or rest is not None:
            raise
        sys.exit("\n".join(f"errand: {error}" for error in expected.exceptions))
