"""What nothing here could do is counted, and becomes a template or a tool in one step."""

import json
import sys
from pathlib import Path

import pytest

from orchestrator.tools.functions import Functions, tool
from tests.bot.command import errand
from tests.conversations.house import somebody, together
from tests.conversations.talk import talking
from tests.fakes.channel import FakeChannel

SONG = "sing me a song, write to ann@example.org"


def console() -> FakeChannel:
    return FakeChannel("console")


@tool(read_only=True)
def singer(words: str) -> str:
    """Perform."""
    return f"la la {words}"


@pytest.mark.proves("insights.counted", "insights.no_names")
async def test_what_was_declined_is_listed_with_its_count_and_without_who_asked(tmp_path: Path) -> None:
    async with talking(tmp_path, channel=console) as talk:
        assert await talk.told("/insights") == "Nobody has asked for anything in vain."
        await talk.say(SONG)
        await talk.as_person("bob").say("please sing a song token=abcdef123456")
        await talk.say("hello")
        listed = await talk.told("/insights")
        rows = await talk.app.store.declined()
    assert "2 times, people: 2" in listed
    assert "sing me a song, write to [address]" in [row.text for row in rows]
    assert "abcdef123456" not in str(rows)
    assert not any(name in str(rows) for name in ("'ann'", "'bob'"))


@pytest.mark.proves("insights.counted")
async def test_only_admins_see_what_others_asked_for_and_only_in_private(tmp_path: Path) -> None:
    async with talking(tmp_path, policy='[people]\n"fake:bob" = "admin"\n') as talk:
        await talk.say(SONG)
        assert "/insights is for admins and owners" in await talk.told("/insights")
        assert "where nobody reads along" in await together(talk, "bob").told("/insights")
        assert "sing me a song" in await somebody(talk, "bob").told("/insights")


@pytest.mark.proves("insights.template")
async def test_a_template_serves_what_was_declined_from_then_on(tmp_path: Path) -> None:
    async with talking(tmp_path, channel=console, toolsets=[Functions([singer])]) as talk:
        await talk.say("yodel in the mountains")
        assert "cannot run" in await talk.told('/insights template 1 yodel = a: dancer(words="{{text}}")')
        told = await talk.told('/insights template 1 yodel = a: singer(words="{{text}}")')
        assert "/run yodel text=..." in told
        assert "yodel in the mountains" in told
        assert "la la hoo" in await talk.answered("/run yodel text=hoo")
        assert "in vain" in await talk.told("/insights")
        assert "no number 1" in await talk.told('/insights template 1 other = a: singer(words="x")')


@pytest.mark.slow
@pytest.mark.proves("insights.template")
async def test_the_operator_makes_a_template_from_the_command_line(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.say(SONG)
    listed = await errand(tmp_path, "insights")
    assert "sing me a song, write to [address]" in listed.stdout
    (row,) = (await errand(tmp_path, "insights", "--json")).stdout.splitlines()
    assert json.loads(row)["count"] == 1
    plan = 'a: calculate(expression="{{number}} * 2")'
    made = await errand(tmp_path, "insights", "template", "1", "double", plan)
    assert "/run double number=..." in made.stdout, made.stderr
    assert (await errand(tmp_path, "insights")).stdout == "Nothing yet.\n"
    assert (await errand(tmp_path, "insights", "template", "1", "double", plan)).returncode == 1


@pytest.mark.proves("insights.tool")
async def test_the_operator_begins_a_tool_that_can_be_loaded_and_says_that_it_is_not_written(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.say('sing a "song" \\ about me')
        await talk.say("sing a song")
    made = await errand(tmp_path, "insights", "tool", "1")
    assert "ERRAND_FUNCTIONS=sing_song" in made.stdout, made.stderr
    sys.path.insert(0, str(tmp_path))
    try:
        async with talking(tmp_path, toolsets=None, functions="sing_song") as talk:
            await talk.asked("/sing_song of love")
            assert "not written yet" in await talk.answered("yes")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("sing_song")
