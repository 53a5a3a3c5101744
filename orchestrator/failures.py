"""Which of our errors a provider's trouble is, and why, in a few words that are ours.

Read from the name of the provider's error (its class may not be imported here) and from its status. agno wraps some
errors and lets others through; a wrapped one is the cause, and where that has no status agno says 502 itself.
"""

from collections.abc import Mapping

from orchestrator.errors import ModelBusy, ModelError, ModelMalformed, ModelRefused, ModelTimedOut, ModelUnreachable

Reason = tuple[type[ModelError], str]

SAYINGS: Mapping[type[ModelError], str] = {
    ModelTimedOut: "took too long",
    ModelUnreachable: "cannot be reached",
    ModelBusy: "is busy",
    ModelRefused: "refused the request",
    ModelMalformed: "gave an answer that cannot be read",
}
TOO_LONG: Reason = (ModelRefused, "the request is too long")
BROKEN_OFF: Reason = (ModelMalformed, "it breaks off")
TOLD: Reason = (ModelUnreachable, "an error instead of an answer")
CUT: Reason = (ModelMalformed, "it is cut at its token limit")
NO_QUOTA: Reason = (ModelRefused, "its quota is used up")
FILTERED: Reason = (ModelRefused, "a content filter")

QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "budget_exceeded"}  # OpenAI twice, LiteLLM's proxy
WITHOUT_STATUS: Mapping[str, Reason] = {
    "APITimeoutError": (ModelTimedOut, "no byte came"),  # openai, anthropic
    "TimeoutException": (ModelTimedOut, "no byte came"),  # httpx, httpx2
    "ServiceRequestTimeoutError": (ModelTimedOut, "no byte came"),  # azure-core
    "ServiceResponseTimeoutError": (ModelTimedOut, "no byte came"),  # azure-core
    "TimeoutError": (ModelTimedOut, "no byte came"),  # aiohttp
    "ModelRateLimitError": (ModelBusy, "overloaded"),  # agno, for an overload that Claude tells midway
    "ClientAuthenticationError": (ModelRefused, "no sign-in with Entra ID"),  # azure-identity
    "APIConnectionError": (ModelUnreachable, "no connection"),  # openai, anthropic
    "TransportError": (ModelUnreachable, "no connection"),  # httpx, httpx2
    "ClientConnectionError": (ModelUnreachable, "no connection"),  # aiohttp
    "ServiceRequestError": (ModelUnreachable, "no connection"),  # azure-core
    "ServiceResponseError": (ModelUnreachable, "no connection"),  # azure-core
    "IncompleteReadError": BROKEN_OFF,  # azure-core
    "ConnectionError": (ModelUnreachable, "no connection"),  # ollama raises Python's own
    "APIError": TOLD,  # openai, anthropic
    "ResponseError": TOLD,  # ollama
}
ENDINGS: Mapping[str, Reason] = {
    "length": CUT,
    "max_tokens": CUT,
    "model_context_window_exceeded": CUT,
    "content_filter": FILTERED,
    "refusal": FILTERED,
    "safety": FILTERED,
    "recitation": FILTERED,
    "blocklist": FILTERED,
    "prohibited_content": FILTERED,
    "spii": FILTERED,
    "malformed_function_call": (ModelMalformed, "a tool call is broken"),
}


def reason_of(error: Exception, *, midway: bool) -> Reason:
    """What went wrong in a call of a provider; `midway` means that some of the answer had come."""
    cause = error.__cause__ or error
    names = [kind.__name__ for kind in (*type(error).__mro__, *type(cause).__mro__)]
    if "AgnoError" in names and isinstance(error.__cause__, type(error)):
        return TOLD
    if "ContextWindowExceededError" in names:
        return TOO_LONG
    if "MidStreamFallbackError" in names:  # litellm, which gives it a status
        return BROKEN_OFF
    if QUOTA_CODES & {str(getattr(cause, name, "")) for name in ("code", "type")}:
        return NO_QUOTA  # it comes as a 429, but waiting does not help
    code = str(getattr(cause, "status_code", None) or getattr(cause, "code", None) or "")
    if code.isdecimal() and int(code) >= 400:
        return _kind_of_status(int(code)), code
    reason = next((WITHOUT_STATUS[name] for name in names if name in WITHOUT_STATUS), None)
    if reason is None:
        return ModelMalformed, "not the expected format"
    return BROKEN_OFF if midway and reason[1] == "no connection" else reason


def _kind_of_status(status: int) -> type[ModelError]:
    if status in {429, 529}:
        return ModelBusy
    if status == 408:
        return ModelTimedOut
    return ModelUnreachable if status >= 500 else ModelRefused
