"""Metrics for Prometheus: counted from the spans of turns, and from how things stand when they are asked for.

No label names a person or a conversation. Names that begin with gen_ai are OpenTelemetry's, as Prometheus writes them.
"""

from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from bot.conventions import model_names, version_of_errand
from bot.standing import Look, Standing
from orchestrator.watching import Span

# Boundaries of gen_ai.client.operation.duration and gen_ai.client.token.usage: semantic-conventions-genai, read 2026-11
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(float(4**power) for power in range(14))
SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.999, 1.0)
MODEL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "errand_component")


Endpoint = Callable[[Request], Awaitable[Response]]
"""What a route of Starlette's leads to."""


class Metrics:
    """All that is counted. It hears of ended spans, and looks at how things stand at each scrape."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a moment for each series, as many again
        self.registry = registry = CollectorRegistry()
        self._standing = _Gauges()
        registry.register(self._standing)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, registry=registry)

        def histogram(name: str, what: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(name, what, labels, registry=registry, buckets=buckets)

        self._turns = counter("errand_turns", "Turns that have ended.", "channel", "outcome")
        self._turn = histogram("errand_turn_duration_seconds", "Work on a turn, waiting left out.", "outcome")
        self._decision = histogram(
            "errand_decision_duration_seconds", "Planner latency: a request to its decision.", "decision"
        )
        self._adherence = histogram(
            "errand_plan_adherence_ratio", "Share of a turn's steps that kept to the plan.", buckets=SHARES
        )
        self._deviations = counter("errand_plan_deviations", "Times that a plan was not kept.")
        self._replans = counter("errand_replans", "New plans after steps that did not work.")
        self._invalid = counter("errand_validation_failures", "Plans and replies of models that were none.", "what")
        self._refusals = counter("errand_refusals", "What was refused: requests, tools, calls over budget.", "why")
        self._steps = counter("errand_steps", "Steps of plans that have ended or wait for a person.", "status")
        self._cost = counter("errand_model_cost_usd", "Published prices of model calls, as far as they are known.")
        self._tool = histogram(
            "gen_ai_execute_tool_duration_seconds", "Calls of tools.", "gen_ai_tool_name", "error_type"
        )
        self._worker = histogram(
            "gen_ai_invoke_agent_duration_seconds", "Tasks of workers.", "gen_ai_agent_name", "error_type"
        )
        self._model = histogram("gen_ai_client_operation_duration_seconds", "Calls of models.", *MODEL, "error_type")
        self._tokens = histogram(
            "gen_ai_client_token_usage", "Tokens of model calls.", *MODEL, "gen_ai_token_type", buckets=TOKENS
        )

    def hears(self, span: Span) -> None:
        """Count what has ended."""
        self._invalid.labels("plan").inc(span.times("plan_invalid"))
        self._refusals.labels("budget").inc(span.times("over_budget"))
        match span.kind:
            case "turn":
                self._count_turn(span)
            case "decision":
                self._decision.labels(span.facts.get("decision") or span.error).observe(span.seconds)
            case "step":
                self._steps.labels(span.facts.get("status") or span.error).inc()
                self._refusals.labels("policy").inc(span.facts.get("refused", 0))
            case "worker":
                self._worker.labels(span.ids["agent"], span.error).observe(span.seconds)
            case "tool":
                self._tool.labels(span.facts["tool"], span.error).observe(span.seconds)
            case "model":
                self._count_call(span)
            case "plan":
                pass

    def _count_turn(self, turn: Span) -> None:
        outcome, channel, facts = turn.facts.get("outcome"), turn.ids["channel"], turn.facts
        if outcome is None:  # it was ended, and goes on as another try, or as stopped
            return
        self._turns.labels(channel, outcome).inc()
        self._turns.labels(channel, "added").inc(facts["also_ended"])
        self._turn.labels(outcome).observe(turn.seconds)
        self._deviations.inc(facts["deviations"])
        self._replans.inc(facts["new_plans"])
        self._cost.inc(facts["cost_usd"])
        if "adherence" in facts:
            self._adherence.observe(facts["adherence"])
        if outcome in {"refuse", "unserved"}:
            self._refusals.labels("out_of_scope" if outcome == "refuse" else "unserved").inc()

    def _count_call(self, call: Span) -> None:
        provider, model = model_names(call.facts["model"])
        labels = ("chat", provider, model, call.facts["component"])
        self._model.labels(*labels, call.error).observe(call.seconds)
        for kind in ("input", "output"):
            if (tokens := call.facts.get(f"{kind}_tokens")) is not None:
                self._tokens.labels(*labels, kind).observe(tokens)
        if call.error == "ModelMalformed":
            self._invalid.labels("reply").inc()

    async def scrape(self, look: Look, accept: str) -> tuple[bytes, str]:
        """All of it as text, in the best format that is accepted, and what it is called."""
        self._standing.seen = await look()
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type

    async def respond(self, request: Request, look: Look) -> Response:
        """The answer to a GET of /metrics; `partial(metrics.respond, look=...)` is an Endpoint of any server."""
        body, content_type = await self.scrape(look, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})


class _Gauges(Collector):
    """How things stood when they were last looked at."""

    def __init__(self) -> None:
        self.seen = Standing()

    def collect(self) -> Iterator[Metric]:
        seen = self.seen
        yield InfoMetricFamily("errand_build", "What is running.", value={"version": version_of_errand()})
        yield _gauge("errand_turns_running", "Turns that are worked on.", seen.running)
        yield _gauge("errand_turns_waiting", "Messages that wait behind others of their conversation.", seen.waiting)
        if seen.backlog:
            yield _gauge("errand_parcels_undelivered", "Answers that no channel has taken.", seen.backlog.parcels)
            yield _gauge("errand_questions_open", "Questions that wait for their person.", seen.backlog.questions)
            yield _gauge("errand_review_cases_open", "Requests that wait for a reviewer.", seen.backlog.cases)
        budgets = GaugeMetricFamily(
            "errand_budget_spent_ratio", "The budget of a kind that is furthest.", labels=["budget"]
        )
        for kind, share in seen.budgets.items():
            budgets.add_metric([kind], share)
        yield budgets
        sources = GaugeMetricFamily(
            "errand_tool_source_ready", "Whether a source of tools is there.", labels=["source"]
        )
        for source, ready in seen.sources.items():
            sources.add_metric([source], ready)
        yield sources


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)
