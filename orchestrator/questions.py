"""What a plan waits for as one question, and an answer merged back into the plan."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.inquiring import Given, Item, answered, items, read_item, refusal
from orchestrator.messages import Choice, Form, Inbound, Message, Question, QuestionField
from orchestrator.plan import Clarify, FindTool, Plan, Step, StepResult, argument_problems, references
from orchestrator.roles import rights
from orchestrator.slots import parameter_choices, parameter_question, read_answer, yes_or_no
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import each_way, say

Topic = Literal["argument", "approval", "repeat", "input"]
Scope = Literal["session", "always"]
SHOWN = 1_000  # characters of one argument in a question
FOLDED = 300  # characters of all arguments above which they stand in a quote, which a chat folds


@dataclass(frozen=True, slots=True)
class Blank:
    """One thing that a plan waits for: an argument's value, a yes, a word on an unknown outcome, whose reason is `why`,
    or an `item` that a tool asks for."""

    step: Step
    topic: Topic
    argument: str = ""
    tool: str = ""
    resolved: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    item: Item | None = None

    @property
    def short_name(self) -> str:
        return self.item.short_name if self.item else self.argument or self.topic

    @property
    def name(self) -> str:
        return f"{self.step.id}.{self.short_name}"


def blanks(plan: Plan, results: Mapping[str, StepResult]) -> list[Blank]:
    """Everything that the plan's waiting steps need from the person."""
    waiting: list[Blank] = []
    for step in plan.steps:
        match results.get(step.id):
            case StepResult(waits_for="arguments"):
                waiting += [Blank(step, "argument", name, tool=step.tool) for name in step.missing]
            case StepResult(waits_for="approval" | "repeat" as topic, data=resolved, tool=tool, error=why):
                waiting.append(Blank(step, topic, tool=tool or step.tool, resolved=resolved or {}, why=why))
            case StepResult(waits_for="input", asking=asking) if asking and not asking.is_answered:
                waiting += [Blank(step, "input", tool=step.tool, item=item) for item in items(asking)]
            case _:
                pass
    return waiting


def plan_question(question_id: str, plan: Plan, results: Mapping[str, StepResult], find: FindTool) -> Question:
    """The one question that holds all blanks of a plan."""
    open_blanks = blanks(plan, results)
    fields = tuple(_field(blank, find) for blank in open_blanks)
    if len(fields) == 1:
        text = fields[0].label
    else:
        written = {name: short for short, name in _short_names(open_blanks).items()}
        text = say("I need to know a few things:") + "\n"
        text += "\n".join(f"- `{written[field.name]}`: {field.label}" for field in fields)
        text += "\n\n" + say("Answer as `name=value`, or one line each, in this order.")
        if any(blank.item for blank in open_blanks):
            text += " " + say("Or write `decline` or `cancel`.")
    return Question(id=question_id, text=text, fields=fields)


def model_question(question_id: str, clarify: Clarify) -> Question:
    """What a model asked, as it asked it."""
    fields = tuple(
        QuestionField(name=f"q{number}", label=asked.text, choices=asked.choices)
        for number, asked in enumerate(clarify.questions, 1)
    )
    return Question(id=question_id, text="\n".join(asked.text for asked in clarify.questions), fields=fields)


def _field(blank: Blank, find: FindTool) -> QuestionField:
    tool = find(blank.tool)
    if blank.topic == "approval":
        label = asked_yes(blank, find)
        scopes = (say("yes, in this conversation"), say("always")) if _may_stand(tool) else ()
        return QuestionField(
            name=blank.name, label=label, choices=(say("yes"), say("no"), *scopes), closed=True, approval=True
        )
    if blank.item is not None:
        return QuestionField(name=blank.name, label=blank.item.label, choices=blank.item.choices)
    if blank.topic == "repeat":
        label = (
            blank.why
            + " " * bool(blank.why)
            + say(
                "`{tool}` was under way when I lost it: {arguments}. It may have happened or not.",
                tool=blank.tool,
                arguments=_shown(blank),
            )
        )
        both = (say("run it again"), say("leave it"))
        return QuestionField(name=blank.name, label=label, choices=both, closed=True)
    asked = parameter_question(tool, blank.argument) if tool else blank.argument
    choices = parameter_choices(tool, blank.argument) if tool else ()
    label = say("For **{step}**: {asked}", step=blank.step.label, asked=asked)
    return QuestionField(name=blank.name, label=label, choices=choices)


def answerable(plan: Plan, waiting: Mapping[str, StepResult], find: FindTool) -> dict[str, StepResult]:
    """What of it waits for the person themselves, and not for the yes of others."""
    of_others = {
        blank.step.id
        for blank in blanks(plan, waiting)
        if blank.topic == "approval" and not rights().approves_alone(find(blank.tool))
    }
    return {step: result for step, result in waiting.items() if step not in of_others}


def asked_yes(blank: Blank, find: FindTool) -> str:
    """What is to be agreed to, and why a yes is wanted."""
    return _asked(blank, _why(blank.step, find(blank.tool)))


def _may_stand(tool: ToolSpec | None) -> bool:
    """Whether a yes may hold for more than once: a doubt is about one step, and what destroys is asked anew."""
    return tool is not None and not tool.destructive and (tool.is_risky or tool.cost_usd > 0)


def _why(step: Step, tool: ToolSpec | None) -> str:
    """Why a yes is wanted."""
    if tool is None or tool.is_risky:
        return say("It may change something.")
    if tool.cost_usd:
        return say("It costs about ${cost}.", cost=f"{tool.cost_usd:g}")
    return say("I am not sure that you mean this.")


def _asked(blank: Blank, why: str) -> str:
    """What is to be agreed to. Many words stand below the question, as a quote."""
    shown = _shown(blank)
    if len(shown) <= FOLDED:
        return " ".join((say("May I run `{tool}`: {arguments}?", tool=blank.tool, arguments=shown), why))
    return f"{say('May I run `{tool}` with this?', tool=blank.tool)} {why}\n\n> {shown}"


def _shown(blank: Blank) -> str:
    """The arguments as they will be used: this is what is agreed to, so a cut says that it is one."""
    arguments = blank.resolved or blank.step.arguments
    shown = ", ".join(f"{name} = `{_value_shown(value)}`" for name, value in arguments.items())
    return shown or say("no arguments")


def _value_shown(value: Any) -> str:
    text = str(value).replace("`", "'").replace("\n", " ⏎ ")
    rest = len(text) - SHOWN
    return text if rest <= 0 else f"{text[:SHOWN]} … {say('and {count} more characters', count=rest)}"


def _short_names(open_blanks: Sequence[Blank]) -> dict[str, str]:
    """Blank names by what a person may write for them: the short form only where it means one of them."""
    short = Counter(blank.short_name for blank in open_blanks)
    return {blank.short_name if short[blank.short_name] == 1 else blank.name: blank.name for blank in open_blanks}


# --- answers ------------------------------------------------------------------------------------------


def read_reply(inbound: Inbound, plan: Plan, results: Mapping[str, StepResult], find: FindTool) -> dict[str, Any]:
    """The values by blank name that this Inbound gives. Empty where it is no answer."""
    open_blanks = blanks(plan, results)
    match inbound:
        case Form(values=given):
            texts = dict(given)
        case Choice(value=value):
            texts = {open_blanks[0].name: value} if len(open_blanks) == 1 else _pairs(value)
        case Message(text=text):
            texts = _texts(text, open_blanks)
        case _:
            return {}
    read = {blank.name: _value(texts[blank.name], blank, find) for blank in open_blanks if blank.name in texts}
    return {name: value for name, value in read.items() if value is not None}


def merge(
    plan: Plan,
    values: Mapping[str, Any],
    *,
    waiting: Mapping[str, StepResult],
    person: str,
    find: FindTool,
    others: str = "",
) -> tuple[Plan, dict[str, StepResult]]:
    """The plan with the answers in it, and the results of those steps that the answers end: a no is an end. `others`
    are those who gave them in the person's place."""
    ended: dict[str, StepResult] = {}
    for step in plan.steps:
        changed = step
        for name, value in values.items():
            step_id, _, what = name.rpartition(".")
            if step_id != step.id:
                continue
            if what in step.missing:
                left = tuple(other for other in changed.missing if other != what)
                arguments = {**changed.arguments, what: value}
                named = _retitled(changed, arguments, find)
                changed = changed.model_copy(update={"arguments": arguments, "missing": left, "title": named})
            elif value:
                call = waiting[step.id].call if step.id in waiting else ""
                agreed = (*changed.agreed, *filter(None, [call]))
                changed = changed.model_copy(update={"approved_by": person, "agreed": agreed})
            else:
                said = say("you said no") if what == "approval" else say("you left it as it is; it may have happened")
                said = say("{name} said no", name=others) if others else said
                ended[step.id] = StepResult(status="skipped", error=said)
        if changed is not step:
            plan = plan.replacing(changed)
    return plan, ended


def _retitled(step: Step, arguments: Mapping[str, Any], find: FindTool) -> str:
    """A title that was made of the arguments is made of the new ones."""
    tool = find(step.tool)
    return tool.in_words(arguments) if tool and step.title == tool.in_words(step.arguments) else step.title


def _scope(text: str) -> Scope | None:
    """How far a standing yes goes."""
    words = text.strip().casefold().rstrip(".!")
    if words == "3" or words in each_way("yes, in this conversation") or words in each_way("in this conversation"):
        return "session"
    return "always" if words == "4" or words in each_way("always") else None


def _texts(text: str, open_blanks: list[Blank]) -> dict[str, str]:
    """A typed reply by blank: `name=value` pairs, else one line a blank, else the whole text for the only one."""
    by_short_name = _short_names(open_blanks)
    pairs = {by_short_name.get(name, name): value for name, value in _pairs(text).items()}
    if any(blank.name in pairs for blank in open_blanks):
        return pairs
    if len(open_blanks) == 1:
        return {open_blanks[0].name: text}
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == len(open_blanks):
        return {blank.name: line for blank, line in zip(open_blanks, lines, strict=True)}
    if refusal(text) or all(blank.topic not in {"argument", "input"} for blank in open_blanks):
        return {blank.name: text for blank in open_blanks}
    return {}


def given_input(values: Mapping[str, Any], plan: Plan, waiting: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """The steps whose tools asked something, with the answers in what they wait for."""
    told: dict[str, StepResult] = {}
    for blank in blanks(plan, waiting):
        if blank.item is not None and isinstance(given := values.get(blank.name), Given):
            result = told.get(blank.step.id, waiting[blank.step.id])
            assert result.asking is not None
            asking = answered(result.asking, [(blank.item, given)])
            told[blank.step.id] = result.model_copy(update={"asking": asking})
    return told


def given_grants(
    values: Mapping[str, Any], plan: Plan, waiting: Mapping[str, StepResult]
) -> Iterator[tuple[str, Scope]]:
    """The tools to which these answers are a standing yes, and how far each goes."""
    for blank in blanks(plan, waiting):
        if blank.topic == "approval" and (scope := values.get(blank.name)) in {"session", "always"}:
            yield blank.tool, scope


def _pairs(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError:  # an odd quotation mark: then it is no list of pairs
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def _value(text: str, blank: Blank, find: FindTool) -> Any | None:
    if blank.item is not None:
        return read_item(text, blank.item)
    if blank.topic == "approval":
        scope = _scope(text) if _may_stand(find(blank.tool)) else None
        return scope or {"1": True, "2": False}.get(text.strip(), yes_or_no(text))
    if blank.topic == "repeat":
        words = text.strip().casefold()
        if words == "1" or words in each_way("run it again"):
            return True
        return False if words == "2" or words in each_way("leave it") else yes_or_no(text)
    tool = find(blank.step.tool)
    schema = tool.properties.get(blank.argument, {}) if tool else {}
    choices = parameter_choices(tool, blank.argument) if tool else ()
    value = read_answer(text, blank.argument, schema, choices)
    if value is None or not tool:
        return value
    if any(references(value)):  # a person's words are no program: they may not refer to results
        return None
    one = {blank.argument: value}
    others = [name for name in tool.required if name != blank.argument]
    return None if any(argument_problems(tool, one, missing=others)) else value
