"""Everything that can go wrong in the core, ordered by what the caller can do about it.

ErrandError
├── BadInput               the person can mend it; the message says how
│   ├── NotAllowed         their role does not allow it; somebody else can help
│   │   └── NotTheirs      somebody else was asked
│   ├── PlanInvalid        a plan that cannot run; `problems` names each defect
│   └── CodeFailed         code of a step that did not come to its end; `printed` is what it had printed
├── SettingsInvalid        the operator can mend it: name, shape, fix
│   └── ServersInvalid     an mcp.json that cannot be read: file, line, field
├── ModelError             ask the next model of the chain
│   ├── ModelTimedOut
│   ├── ModelUnreachable   network, 5xx, and whatever else a retry may cure
│   ├── ModelBusy          429
│   ├── ModelRefused       401, 403, 404, 400: this member will not answer this request
│   ├── ModelMalformed     an answer that is none
│   └── OverBudget         not asked: what is left of a budget does not cover it; a cheaper one may do
├── NoModelAnswered        the whole chain failed: go on without a model
│   └── BudgetSpent        a budget was in the way: stop, say so
└── ToolError              try the step's fallback tools, then say so
    ├── ToolUnavailable    not connected, gone, unknown
    ├── ToolTimedOut       for a tool that changes nothing
    └── OutcomeUnknown     it may have happened: never repeat by itself, ask the person
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ErrandError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])


class BadInput(ErrandError):
    """I cannot use this as it is."""


class NotAllowed(BadInput):
    """Your role does not allow this."""


class NotTheirs(NotAllowed):
    """I asked somebody else that; only they can answer it."""


class PlanInvalid(BadInput):
    """This plan cannot run."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("This plan cannot run: " + "; ".join(self.problems))


class CodeFailed(BadInput):
    """This code does not work."""

    def __init__(self, message: str, printed: str = "") -> None:
        self.printed = printed
        super().__init__(message)


class SettingsInvalid(ErrandError):
    """A setting is wrong."""


class ServersInvalid(SettingsInvalid):
    """The file of MCP servers cannot be read."""


class ModelError(ErrandError):
    """The model did not answer."""


class ModelTimedOut(ModelError):
    """The model took too long."""


class ModelUnreachable(ModelError):
    """The model cannot be reached."""


class ModelBusy(ModelError):
    """The model is busy."""


class ModelRefused(ModelError):
    """The model's provider refused the request."""


class ModelMalformed(ModelError):
    """The model's answer could not be read."""


class OverBudget(ModelError):
    """What is left of a budget does not cover this call."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one chain member: which, what came of it, after how long."""

    model: str
    error: str
    seconds: float


class NoModelAnswered(ErrandError):
    """No model answered."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        super().__init__("No model answered: " + "; ".join(f"{a.model}: {a.error}" for a in self.attempts))


class BudgetSpent(NoModelAnswered):
    """No model answered, because a budget is spent."""


class ToolError(ErrandError):
    """The tool did not work."""


class ToolUnavailable(ToolError):
    """The tool cannot be reached right now."""


class ToolTimedOut(ToolError):
    """The tool took too long."""


class OutcomeUnknown(ToolError):
    """The connection broke while the tool was working: it may have happened, or not."""
