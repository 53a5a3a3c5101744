"""A calculator that computes and does nothing else: the expression is parsed, never run."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.errors import BadInput
from orchestrator.tools.functions import tool

Number = int | float

LONGEST = 500  # characters
DEEPEST = 50  # operations inside of operations
LARGEST_BITS = 4096  # of a whole number; 9**9**9 would have 370 million digits
MOST_DIGITS = 300  # to round to; round(1, -10**9) would first compute 10**10**9
PERCENT_OF = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*of\b", re.IGNORECASE)
SIGNS = str.maketrans({"^": "**", "\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-"})
LONE_PERCENT = re.compile(r"\d%(?:\s|[-+*/,)]|$)")  # "200 + 10% - 5": of what? A remainder is "7 % 4" or "7%4"


def _power(base: Number, exponent: Number) -> Number:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent * int(base).bit_length() > LARGEST_BITS:
        raise BadInput("The power is too large.")
    return _real(base**exponent)


def _real(value: Any) -> Number:
    if isinstance(value, complex):
        raise BadInput("The result is no real number.")
    return value  # type: ignore[no-any-return]


def _round(number: Number, *digits: int) -> Number:
    if any(abs(each) > MOST_DIGITS for each in digits):
        raise BadInput(f"I round to {MOST_DIGITS} digits at most.")
    return round(number, *digits)


BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "sqrt": math.sqrt,
    "round": _round,
    "abs": abs,
    "min": lambda *numbers: min(numbers),
    "max": lambda *numbers: max(numbers),
    "sum": lambda *numbers: sum(numbers),
}
CONSTANTS: Mapping[str, Number] = {"pi": math.pi, "e": math.e}


@tool(read_only=True)
def calculate(expression: str) -> int | float:
    """Calculate an arithmetic expression: + - * / // % ** parentheses, sqrt, round, abs, min, max, sum, pi, e.

    Args:
        expression: The expression, such as "12 * (3 + 4)" or "15% of 80".
    """
    if len(expression) > LONGEST:
        raise BadInput(f"The expression is longer than {LONGEST} characters.")
    try:
        return _value(_parsed(expression), DEEPEST)
    except ZeroDivisionError:
        raise BadInput("This is a division by zero.") from None
    except OverflowError:
        raise BadInput("The result is too large.") from None


def _parsed(expression: str) -> ast.expr:
    plain = PERCENT_OF.sub(r"(\1/100)*", expression.translate(SIGNS)).strip()
    if LONE_PERCENT.search(plain):
        raise BadInput(f"{expression!r} does not say what the percent are of: write it as in 15% of 80.")
    try:
        return ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # all are the parser's word for nonsense
        raise BadInput(f"{expression!r} is no arithmetic expression.") from None


def _value(node: ast.expr, depth: int) -> Number:
    if not depth:
        raise BadInput(f"There are more than {DEEPEST} operations inside of each other.")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in UNARY:
            return UNARY[type(sign)](_value(operand, depth - 1))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            return _bounded(BINARY[type(sign)](_value(left, depth - 1), _value(right, depth - 1)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _bounded(_applied(name, [_value(argument, depth - 1) for argument in arguments]))
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name not in {*FUNCTIONS, *CONSTANTS}:
            raise BadInput(f"I do not know {name[:40]!r}, only {', '.join((*FUNCTIONS, *CONSTANTS))}.")
        case _:
            raise BadInput("I calculate with plain numbers such as 1000 or 0.5, with + - * / // % ** and parentheses.")


def _applied(name: str, numbers: list[Number]) -> Number:
    try:
        return FUNCTIONS[name](*numbers)
    except (TypeError, ValueError):
        raise BadInput(f"I cannot take {name} of these numbers.") from None


def _bounded(number: Number) -> Number:
    if not math.isfinite(number) if isinstance(number, float) else number.bit_length() > LARGEST_BITS:
        raise BadInput("The result is too large.")
    return number
