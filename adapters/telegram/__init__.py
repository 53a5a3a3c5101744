"""Telegram as a channel."""

import os

os.environ.setdefault("PTB_TIMEDELTA", "true")  # python-telegram-bot 22 warns at each flood error without it
