"""Plans against public gold plans and planted defects."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.errors import PlanInvalid
from orchestrator.plan import FindTool, Plan, Step
from orchestrator.tools.spec import ToolSpec
from tests.evaldata import eval_path, records

NESTFUL_REFERENCE = re.compile(r"\$(\w+)((?:\.[\w\[\]]+)*)\$")
NAMED = {  # what the message says of each planted defect
    "dangling_ref": "which is no step of this plan",
    "cycle": "circle",
    "unknown_tool": "which does not exist",
    "unknown_arg": "there is no argument",
    "missing_required": "is missing",
    "self_dep": "depends on itself",
    "duplicate_id": "is used 2 times",
}


BROKEN_GOLD = {  # on the list of the schema-valid, and yet not: refused for good reasons, which are these
    "nestful_glaive_0": "'optimize_route': 'time' is not of type 'boolean'",
    "nestful_glaive_16": "'optimize_route': 'time' is not of type 'boolean'",
    "nestful_glaive_17": "'discounts': 10 is not of type 'array'",
    "nestful_glaive_40": "'optimize_route': 'time' is not of type 'boolean'",
    "nestful_glaive_45": "'var3' is used 2 times",
    "nestful_glaive_94": "'var1' is used 2 times",
    "nestful_glaive_148": "'keywords': 'action movie' is not of type 'array'",
    "nestful_glaive_155": "'optimize_route': 'time' is not of type 'boolean'",
    "nestful_glaive_162": "'price_range': '$100-$500' is not of type 'object'",
    "nestful_sgd_18": "'var2' is used 2 times",
    "seal_test_in_domain_236": "'temperature': '25.0' is not of type 'number'",
    "seal_test_in_domain_468": "'income': '50000.0' is not of type 'number'",
    "seal_test_in_domain_569": "'position1': [0, 0, 0] is not of type 'number'",
    "seal_test_out_domain_117": "'position1': [0, 0, 0] is not of type 'number'",
}


def find_in(toolset: str) -> FindTool:
    tools = json.loads(eval_path("plan_tools.json").read_text())[toolset]
    specs = {
        tool.get("name") or tool["id"]: ToolSpec(
            name=tool.get("name") or tool["id"],
            description=tool.get("description") or tool.get("desc", ""),
            parameters=tool.get("inputSchema") or {"type": "object"},
            source=toolset,
        )
        for tool in tools
    }
    return specs.get


def steps_of(record: dict[str, Any]) -> list[Step]:
    """The record's steps with its references in our form: `$var1.x$` and `API_call_0` become `${id.x}`."""
    answers = {name: step["id"] for step in record["steps"] for name in step.get("responses") or ()}

    def ours(value: Any) -> Any:
        if isinstance(value, str):
            value = NESTFUL_REFERENCE.sub(r"${\1\2}", value)
            return "${" + answers[value] + "}" if value in answers else value
        if isinstance(value, dict):
            return {name: ours(part) for name, part in value.items()}
        return [ours(part) for part in value] if isinstance(value, list) else value

    return [
        Step(id=step["id"], tool=step["tool"], arguments=ours(step["args"]), after=tuple(step["depends_on"]))
        for step in record["steps"]
    ]


def gold() -> Iterator[dict[str, Any]]:
    valid = set(json.loads(eval_path("plans_gold_schema_valid_ids.json").read_text()))
    return (record for record in records("plans_gold.jsonl") if record["id"] in valid)


@pytest.mark.proves("plan.gold")
def test_every_gold_plan_constructs_that_keeps_to_its_schema() -> None:
    finders = {toolset: find_in(toolset) for toolset in json.loads(eval_path("plan_tools.json").read_text())}
    built, refused = 0, {}
    for record in gold():
        try:
            Plan.checked(steps_of(record), finders[record["toolset"]])
            built += 1
        except PlanInvalid as invalid:
            refused[record["id"]] = str(invalid)
    assert built == 241  # of the 480 listed ids, 255 are in the thinned data
    assert refused.keys() == BROKEN_GOLD.keys()
    assert all(BROKEN_GOLD[record] in told for record, told in refused.items())


@pytest.mark.proves("plan.defects")
def test_every_planted_defect_is_refused_with_a_message_that_names_it() -> None:
    finders = {toolset: find_in(toolset) for toolset in json.loads(eval_path("plan_tools.json").read_text())}
    refused = 0
    for record in records("plans_mutated.jsonl"):
        with pytest.raises(PlanInvalid, match=NAMED[record["defect"]]):
            Plan.checked(steps_of(record), finders[record["toolset"]])
        refused += 1
    assert refused == 255
