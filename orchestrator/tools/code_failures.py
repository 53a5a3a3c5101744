"""Why code did not come to its end, for whoever wrote it: the line, what is wrong there, and the way out."""

from pydantic_monty import MontyCrashedError, MontyError, MontyRuntimeError, MontySyntaxError

from orchestrator.tools.code import CodeLimits

MODULES = "json, math, re, datetime, decimal, statistics, collections, itertools, functools, random, csv, base64"
LONGEST = 500  # characters of what the engine says: code can raise any text
NO_OUTPUT = "It leaves nothing in `output`. End it with output = ..."


def why(error: MontyError, limits: CodeLimits) -> str:
    """What went wrong where, and what helps."""
    if isinstance(error, MontyCrashedError) and error.timed_out:  # one operation in which the engine did not look up
        return _too_slow(limits)
    if not isinstance(error, MontySyntaxError | MontyRuntimeError):
        return f"its sandbox has died: {error}"
    kind, _, message = error.display("type-msg")[:LONGEST].partition(": ")
    if message == "name 'output' is not defined":
        return NO_OUTPUT
    lines = [frame.line for frame in error.traceback()]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{_limit_met(kind, message, limits) or _mistake(kind, message)}"


def why_no_output(error: MontyError, limits: CodeLimits) -> str:
    """Why what stands in `output` is no JSON."""
    if isinstance(error, MontyRuntimeError) and isinstance(error.exception(), TypeError | ValueError | RecursionError):
        return no_json(error.display("msg"))
    return why(error, limits)


def no_json(problem: str) -> str:
    """That what it leaves is no JSON, and what is."""
    return (
        f"What it leaves in `output` is no JSON ({problem}). "
        "Use str(...) for dates, float(...) for Decimals, list(...) for sets and iterators."
    )


def printed_too_much(limits: CodeLimits) -> str:
    """That it printed more than it may."""
    return (
        f"It printed more than {limits.printed_characters:,} characters (setting code_printed_characters). "
        "Put results into `output`, and print less."
    )


def output_too_long(length: int, limits: CodeLimits) -> str:
    """That it leaves more than it may."""
    return (
        f"Its output has {length:,} characters as JSON; it may have {limits.output_characters:,} "
        "(setting code_output_characters). Leave only what later steps need."
    )


def _too_slow(limits: CodeLimits) -> str:
    return f"it computed longer than {limits.seconds:g} s (setting code_seconds). Let it do less."


def _limit_met(kind: str, message: str, limits: CodeLimits) -> str:
    """The limit that ended it, in words; empty where it was none."""
    if kind == "TimeoutError" and message.startswith("feed time limit"):
        return _too_slow(limits)
    if kind == "MemoryError":
        return f"it needed more than {limits.memory_mb} MB (setting code_memory_mb). Work on a part at a time."
    if kind == "RecursionError":
        return f"its calls go deeper than {limits.depth} (setting code_depth). Use a loop."
    if message.startswith("suspension limit"):
        return "it asked for tools, modules or names that it does not define too often. Do that a few times only."
    return ""


def _mistake(kind: str, message: str) -> str:
    """What the code did wrong, in words."""
    match kind:
        case "ModuleNotFoundError" | "ImportError":
            return f"{message}. There are only {MODULES}, and not all of each."
        case "PermissionError" | "RuntimeError" if "ermi" in message or "not supported in this env" in message:
            return f"{message}. There are no files, no network and no environment: give it in `input` what it needs."
        case "NotImplementedError" if "monty" in message:
            return f"{message.partition('support ')[2] or message} are not there. Write it another way, as with a list."
        case "RuntimeError":  # so are raised the refusals of tools, which are sentences
            return message
        case "NameError":
            return f"{message}. It knows `input`, what it defines, and the tools of its step."
        case _:
            return f"{kind}: {message}" if message else kind
