"""The soak: what it reports, and when it ends with an error."""

import json
from pathlib import Path

import pytest

from bot.settings import read_settings
from bot.soak import REQUESTS, soak
from orchestrator.errors import SettingsInvalid
from tests.bot.command import errand_now
from tests.fakes.model_server import ModelServer, Say

FALLBACK = "a: the fallback `archive` ran in place of `feed`"
REFUSED = "w: the worker wanted `order`, which its step does not allow"


@pytest.mark.proves("soak.report")
async def test_every_kind_of_request_is_played_and_the_deviations_made_on_purpose_are_found(tmp_path: Path) -> None:
    report = await soak(read_settings(database=str(tmp_path / "mine.db")), requests=2 * len(REQUESTS))
    assert (report.requests, report.turns) == (20, 24), "an approval and a question are one more turn each"
    assert [(kind, told) for _, kind, told in report.deviations] == [
        ("fallback", FALLBACK),
        ("not allowed", REFUSED),
        ("not allowed", REFUSED),
    ], "the feed is down every other time only"
    assert report.adherence == pytest.approx(13 / 16)
    calls = {kind.name: kind.calls_per_request for kind in report.kinds}
    assert calls["greeting"] == calls["one tool"] == calls["approval"] == calls["out of scope"] == 1.0
    assert calls["side by side"] == calls["one after the other"] == 2.0
    outcomes = {kind.name: kind.outcomes for kind in report.kinds}
    assert outcomes["greeting"] == {"direct": 2}
    assert outcomes["approval"] == outcomes["question"] == outcomes["worker"] == {"plan": 2}
    assert outcomes["out of scope"] == {"refuse": 2}
    assert not (tmp_path / "mine.db").exists(), "the database is its own"


@pytest.mark.slow
@pytest.mark.proves("soak.threshold")
def test_the_command_ends_with_an_error_below_the_wanted_rate_and_shows_all_the_same(tmp_path: Path) -> None:
    good = errand_now(tmp_path, "soak", "--turns", "10", "--json")
    assert good.returncode == 0, good.stderr
    report = json.loads(good.stdout)
    assert (report["requests"], report["adherence"]) == (10, 0.75)
    assert {each["deviation"] for each in report["deviations"]} == {FALLBACK, REFUSED}
    bad = errand_now(tmp_path, "soak", "--turns", "10", "--least", "0.8")
    assert bad.returncode == 1
    assert "10 requests in 12 turns; plans were kept to 75.0%" in bad.stdout
    assert f"(not allowed) {REFUSED}" in bad.stdout
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.slow
@pytest.mark.proves("soak.live")
async def test_a_live_soak_asks_the_configured_chain_and_needs_one(tmp_path: Path) -> None:
    async with ModelServer(lambda _: Say("Hello from the model")) as server:
        chain = {"router": "openai:one", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key"}
        report = await soak(read_settings(**chain), requests=3, live=True)
        assert server.calls == 3
    assert (report.adherence, report.deviations) == (1.0, [])
    assert [kind.outcomes for kind in report.kinds] == [{"direct": 1}] * 3
    with pytest.raises(SettingsInvalid, match="ERRAND_ROUTER"):
        await soak(read_settings(), requests=1, live=True)
