"""The documentation cannot lie: settings are compared, plans are run, links are followed."""

import re
from pathlib import Path

import pytest

from bot.settings import Settings
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import talking

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.proves("docs.settings")
def test_every_setting_is_listed_with_its_default_and_what_it_is() -> None:
    listed = (ROOT / "docs" / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        default = "your login name" if field.default_factory else f"`{field.default}`" if field.default else "empty"
        assert f"| `{name}` | `ERRAND_{name.upper()}` | {default} | {field.description} |" in listed
    assert listed.count("| `ERRAND_") == len(Settings.model_fields)


@pytest.mark.proves("docs.links")
@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.proves("docs.plans", "plan.notation")
async def test_the_plans_of_the_documentation_run(tmp_path: Path) -> None:
    @tool(read_only=True)
    def get_current_time(timezone: str) -> str:
        """The time."""
        return f"noon in {timezone}"

    plans = [text for _, text in FENCED.findall((ROOT / "docs" / "plans.md").read_text())]
    assert len(plans) == 2
    async with talking(tmp_path, toolsets=[Functions([*BUILTIN, get_current_time])]) as talk:
        answer = await talk.answered(f"/plan {plans[0]}")
        assert "noon in Asia/Tokyo" in answer
        assert "30.4" in answer
        assert await talk.answered(f"/plan {plans[1]}") == "Twice the tax: 30.4"
