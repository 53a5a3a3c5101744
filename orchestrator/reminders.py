"""The tools of reminders: remind, do something later, list, cancel."""

from typing import Literal

from orchestrator.audit import entry
from orchestrator.coming import Coming, Diary, owner
from orchestrator.errors import BadInput
from orchestrator.tools.asking import Asking, Inquiry
from orchestrator.tools.calling import calling
from orchestrator.tools.functions import IdempotencyKey, Registered, tool
from orchestrator.tools.spec import ToolResult
from orchestrator.when import Heard, in_words, read_when
from orchestrator.words import say
from storage.changes import cancelling
from storage.store import Store

LONGEST = 2_000  # characters of a reminder


def reminder_tools(store: Store, diary: Diary) -> list[Registered]:
    """They change nothing but a person's own reminders, in the conversation where they are called, so nobody is
    asked first."""

    @tool(unasked={})
    async def remind(text: str, when: str, key: IdempotencyKey) -> str | ToolResult:
        """Remind the person of something at a time, once or again and again.

        Args:
            text: What to remind of, such as: call Ann.
            when: In words, such as: tomorrow at 8:30, in 20 minutes, every weekday at 9.
        """
        return await _kept(diary, "reminder", text, when, key=key)

    @tool(unasked={})
    async def do_later(request: str, when: str, key: IdempotencyKey) -> str | ToolResult:
        """Carry out a request of the person later, once or again and again, as if they asked for it then.

        Args:
            request: What to do then, complete, such as: tell me the weather in Rome.
            when: In words, such as: tomorrow at 8:30, every Monday at 9.
        """
        return await _kept(diary, "request", request, when, key=key)

    @tool(read_only=True)
    async def reminders() -> str:
        """List the person's reminders and requests for later, with their numbers."""
        mine = owner()
        return await listed(diary, mine.channel, mine.person)

    @tool(unasked={}, idempotent=True)
    async def cancel_reminder(number: int) -> str:
        """Cancel a reminder or a request for later.

        Args:
            number: Its number, as in the list of reminders.
        """
        mine = owner()
        known = {each.id: coming for each, coming in await diary.of(mine.channel, mine.person)}
        if number not in known:
            raise BadInput(say("There is no reminder {number}; `/reminders` lists yours.", number=number))
        by = {"channel": mine.channel, "person": mine.person}
        await store.change(cancelling(**by, ids=[number]), entry("cancel", **by, reminders=[number]))
        return say("Cancelled: {what}", what=known[number].text)

    return [remind, do_later, reminders, cancel_reminder]


async def listed(diary: Diary, channel: str, person: str) -> str:
    """A person's reminders, one in a line."""
    zone = await diary.zone(channel, person)
    mine = await diary.of(channel, person)
    if not mine:
        return say("Nothing waits. `/remind tomorrow at 8:30 call Ann` makes me remind you.")
    lines = []
    for each, coming in mine:
        assert each.next_at is not None
        rule = f", {coming.rule.in_words} ({coming.time_zone})" if coming.rule else ""
        lines.append(f"- {each.id}: {coming.text} ({in_words(each.next_at, zone)}{rule})")
    return "\n".join([*lines, say("`/reminders cancel {number}` takes one back.", number=mine[0][0].id)])


async def _kept(
    diary: Diary, about: Literal["reminder", "request"], text: str, when: str, *, key: str
) -> str | ToolResult:
    mine = owner()
    assert mine.address is not None
    zone = await diary.zone(mine.channel, mine.person)
    if not 0 < len(text.strip()) <= LONGEST:
        raise BadInput(say("Say what, in at most {limit} characters.", limit=LONGEST))
    asked = calling().asked
    if asked and asked.refused:
        raise BadInput(say("Nothing is set up, then."))
    words = str(asked.given["when"]["when"]) if asked and asked.given else when
    heard = read_when(words, diary.now(), zone)
    if heard is None or not heard.is_all:
        return _asking(words)
    coming = Coming(
        about=about,
        text=text.strip(),
        address=mine.address,
        name=mine.name,
        teams=mine.teams,
        private=mine.private,
        tools=mine.tools,
        rule=heard.rule,
        time_zone=zone.key,
    )
    number = await diary.write(coming, heard.at, key=key)
    return f"{_promise(coming, heard, in_words(heard.at, zone))} ({say('number {number}', number=number)})"


def _promise(coming: Coming, heard: Heard, first: str) -> str:
    values = {"text": coming.text, "first": first, "zone": coming.time_zone}
    if heard.rule is None and coming.about == "reminder":
        return say("I will remind you on {first} ({zone}): {text}", **values)
    if heard.rule is None:
        return say("I will do that on {first} ({zone}): {text}", **values)
    values["rule"] = heard.rule.in_words
    if coming.about == "reminder":
        return say("I will remind you {rule} ({zone}), first on {first}: {text}", **values)
    return say("I will do that {rule} ({zone}), first on {first}: {text}", **values)


def _asking(words: str) -> ToolResult:
    """When, asked of the person. Raises BadInput where nobody can be asked."""
    how = say('such as "tomorrow at 8:30", "in 20 minutes", "every weekday at 9"')
    unread = say("I cannot read “{words}” as a time to come.", words=words) if words.strip() else ""
    message = " ".join(filter(None, (unread, say("When? Say it in words, {how}.", how=how))))
    if not calling().can_ask:
        raise BadInput(message)
    form = {"type": "object", "properties": {"when": {"type": "string", "description": how}}, "required": ["when"]}
    return ToolResult("", asks=Asking(source="remind", inquiries=(Inquiry(key="when", message=message, form=form),)))
