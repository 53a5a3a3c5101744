"""What is kept of people, on both databases: grants, memories, preferences, templates, summaries, plan versions."""

import pytest

from storage import changes
from storage.records import Grant, KeptTemplate, ModelCall, Preferences, StoredPlan, Summary
from storage.store import Store
from tests.storage.samples import SESSION, arrive, talk

ANN, BOB = "ann", "bob"


@pytest.mark.proves("approval.session", "approval.always", "approval.revoked")
async def test_a_grant_holds_for_its_person_and_its_session_until_it_is_revoked(store: Store) -> None:
    turn = await arrive(store, "1")
    plan = StoredPlan("p", SESSION, turn, "{}")
    await store.save_plan(plan, given=[Grant("fake", ANN, SESSION, "send"), Grant("fake", ANN, None, "post")])
    assert [each.tool for each in await store.granted("fake", ANN, SESSION)] == ["send", "post"]
    assert [each.tool for each in await store.granted("fake", ANN, "fake:other")] == ["post"]
    assert await store.granted("fake", BOB, SESSION) == []
    assert await store.granted("elsewhere", ANN, SESSION) == []
    await store.change(changes.revoking([each.id for each in await store.granted("fake", ANN)][:1]))
    assert [each.tool for each in await store.granted("fake", ANN)] == ["post"]


@pytest.mark.proves("memory.kept", "memory.private")
async def test_memories_are_kept_in_their_order_and_forgotten_by_their_ids(store: Store) -> None:
    for text in ("one", "two"):
        await store.change(changes.remembering("fake", ANN, text))
    first, second = await store.memories("fake", ANN)
    assert (first.text, second.text) == ("one", "two")
    assert await store.memories("fake", BOB) == []
    await store.change(changes.forgetting([first.id]))
    assert await store.memories("fake", ANN) == [second]


@pytest.mark.proves("verbosity", "language")
async def test_preferences_are_changed_one_by_one(store: Store) -> None:
    assert await store.preferences("fake", ANN) == Preferences()
    await store.change(
        changes.preferring("fake", ANN, language="de"), changes.preferring("fake", ANN, verbosity="quiet")
    )
    assert await store.preferences("fake", ANN) == Preferences("de", "quiet")


@pytest.mark.proves("template.saved")
async def test_a_template_is_replaced_and_forgotten_by_its_name(store: Store) -> None:
    for body in ("{}", '{"steps": []}'):
        await store.change(changes.keeping_template("a", body, made_by=ANN))
    await store.change(changes.keeping_template("a", "{}", made_by=BOB))  # only Ann's own
    assert await store.templates() == {"a": KeptTemplate("a", '{"steps": []}', ANN)}
    await store.change(changes.forgetting_template("a"))
    assert await store.templates() == {}


@pytest.mark.proves("summary.made")
async def test_a_summary_takes_its_turns_out_of_those_that_are_not_summed_up(store: Store) -> None:
    turns = await talk(store, "direct", "command", "direct", "plan")
    conversation = [turns[0], *turns[2:]]
    assert [each.turn for each in await store.not_summed_up(SESSION)] == conversation
    call = ModelCall("synthesizer", "m", 0.1)
    new = Summary(SESSION, conversation[1], "so far")
    await store.keep_summary(new, before="", of=conversation[:2], turn=conversation[-1], calls=[call])
    assert [each.turn for each in await store.not_summed_up(SESSION)] == conversation[2:]
    assert await store.summary(SESSION) == "so far"
    assert call in await store.model_calls(conversation[-1])
    view = await store.view(SESSION, channel="fake", person=ANN, last=2)
    assert (view.summary, [each.turn for each in view.history]) == ("so far", conversation[-2:])


@pytest.mark.proves("summary.made")
async def test_a_summary_of_what_was_forgotten_meanwhile_is_not_kept(store: Store) -> None:
    turns = await talk(store, "direct", "direct", "direct")
    call = ModelCall("synthesizer", "m", 0.1)
    await store.keep_summary(Summary(SESSION, turns[0], "first"), before="", of=turns[:1], turn=turns[1], calls=[])
    of_older_words = Summary(SESSION, turns[1], "second")
    await store.keep_summary(of_older_words, before="else", of=turns[1:2], turn=turns[1], calls=[call])
    assert await store.summary(SESSION) == "first"
    assert await store.model_calls(turns[1]) == [call], "what it has cost was spent"
    await store.forget("console", "me", lambda payload: ("me", ""), waits=False, changes=lambda counts: ())
    of_forgotten = Summary(SESSION, turns[1], "third")
    await store.keep_summary(of_forgotten, before="", of=turns[:2], turn=turns[2], calls=[call])
    assert await store.summary(SESSION) == ""


@pytest.mark.proves("review.edited")
async def test_versions_of_a_plan_are_numbered_in_their_order(store: Store) -> None:
    plan = StoredPlan("p", SESSION, await arrive(store, "1"), "{}")
    for why in ("planned", "", "you dropped 2"):
        await store.save_plan(plan, why=why)
    assert [(each.version, each.why) for each in await store.plan_versions("p")] == [
        (1, "planned"),
        (2, "you dropped 2"),
    ]


@pytest.mark.proves("busy.edit_running")
async def test_amended_words_drop_the_plan_of_the_old_ones_and_end_the_edit(store: Store) -> None:
    turn, edit = await arrive(store, "1"), await arrive(store, "2")
    await store.save_plan(StoredPlan(turn, SESSION, turn, "{}"), why="planned")
    await store.amend(turn, '{"new": true}', amended_by=edit)
    assert await store.plan_of(turn) is None
    assert await store.payload("console", "1") == '{"new": true}'
    assert [each.turn for each in await store.unfinished(channels=["console"])] == [turn]


@pytest.mark.proves("store.notes")
async def test_a_channels_notes_are_its_own_and_are_written_together(store: Store) -> None:
    await store.note("fake", {"a/1": "one", "a/2": "two", "b_1": "three"})
    await store.note("elsewhere", {"a/1": "other"})
    assert await store.noted("fake", "a/1") == "one"
    await store.note("fake", {"a/1": "new", "a/2": None})
    assert await store.notes("fake", "a/") == {"a/1": "new"}
    assert await store.notes("fake", "b%") == {}
    assert await store.noted("fake", "a/2") is None
