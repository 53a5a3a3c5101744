"""The menu of commands: for each kind of chat, in each language."""

from collections.abc import Mapping, Sequence

from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

Menu = Mapping[str, Sequence[tuple[str, str]]]
"""Commands with what they do, by language; "en" is what everybody else sees."""

IN_GROUPS = {"why", "status", "stop", "new", "help"}  # the others are about one person, or belong to few
LONGEST = 256  # characters of what a command does (Bot API)


async def show_commands(bot: Bot, menu: Menu) -> None:
    """Show these commands in private chats, and the common ones in groups. Raises TelegramError."""
    for language, commands in menu.items():
        code = None if language == "en" else language
        known = [BotCommand(name, summary[:LONGEST]) for name, summary in commands]
        await bot.set_my_commands(known, scope=BotCommandScopeAllPrivateChats(), language_code=code)
        common = [each for each in known if each.command in IN_GROUPS]
        await bot.set_my_commands(common, scope=BotCommandScopeAllGroupChats(), language_code=code)
