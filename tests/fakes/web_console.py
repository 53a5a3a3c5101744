"""A console that shows the same words in every field: whatever they are, the page must stay as it is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

from adapters.web.console import data
from orchestrator.messages import Person, PlanCard, StepLine

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


class SameWords:
    """Every text is these words. Everybody may see it; what is done is told in these words too."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._row = data.TurnRow("t1", words, words, words, words, AT, 1.0)

    async def parts(self, person: Person) -> Collection[data.Part]:
        return get_args(data.Part)

    async def refusal(self, person: Person, part: data.Part) -> str:
        return ""

    async def waiting(self) -> Mapping[data.Part, int]:
        return {"review": 1}

    async def overview(self) -> data.Overview:
        return data.Overview(days=[data.Day(AT, {self._words: 1})], turns=[self._row])

    async def sessions(self) -> Sequence[data.SessionRow]:
        return [data.SessionRow(self._words, 1, AT, asks=True)]

    async def turns(self, *, session: str = "", before: str = "") -> data.TurnPage:
        return data.TurnPage([self._row])

    async def dossier(self, turn: str) -> data.Dossier | None:
        words = self._words
        details = [(words, words)]
        chosen = data.Chosen(words, words, [data.Candidate(words, 50.0, 3)])
        step = data.Evidence(
            words,
            words,
            words,
            words + "!",
            words,
            1.0,
            arguments=words,
            result=words,
            error=words,
            code=words,
            printed=words,
            details=details,
            chosen=[chosen],
        )
        line = StepLine(id="a", title=words, state="failed", note=words)
        card = PlanCard(plan=words, mode="graph", steps=(line, line.model_copy(update={"id": "b", "after": ("a",)})))
        return data.Dossier(
            self._row,
            words,
            reason=words,
            adherence=0.5,
            card=card,
            spans=[data.Span(words, "done", 0.0, 1.0)],
            steps=[step],
            calls=[data.Call(words, words, 1.0, error=words, step=words)],
            details=details,
        )

    async def crew(self) -> data.Crew:
        words = self._words
        piece = data.Piece(words, succeeded=True, seconds=1.0, at=AT)
        worker = data.WorkerRow(words, words, [words], is_online=False, running=0, at_once=1, pieces=[piece])
        return data.Crew([worker], [(words, 1.0)])

    async def spending(self) -> data.Spending:
        words, used = self._words, data.Used(1, 2, 3.0, 4)
        budget = data.BudgetRow(words, words, 0.9, words)
        return data.Spending([(AT, {words: used})], [(words, used)], [budget], [words])

    async def cases(self) -> Sequence[data.CaseRow]:
        words = self._words
        return [data.CaseRow("t1", words, words, words, AT, tries=1, claimed_by=words, words=words)]

    async def review(self, turn: str, act: data.Act, words: str, *, by: Person) -> str:
        return self._words

    async def wishes(self) -> Sequence[data.Wish]:
        words = self._words
        return [data.Wish(words, 2, 1, AT, [words, words], [words])]

    async def sources(self) -> Sequence[data.SourceRow]:
        words = self._words
        held = [data.HeldTool(words, words, words, [words]) for _ in range(2)]
        return [data.SourceRow(words, words, words, 1, held)]

    async def trust(self, server: str, digests: Sequence[str], *, by: Person) -> str:
        return self._words

    def settings(self) -> Sequence[data.SettingRow]:
        words = self._words
        return [data.SettingRow(words, words, words, is_set=True), data.SettingRow(words, words, words)]
