"""A calculator that computes and does nothing else: the expression is parsed, never run."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.tools.functions import tool

LONGEST = 500  # characters
DEEPEST = 50  # operations inside of operations
LARGEST_BITS = 4096  # of a whole number; 9**9**9 would have 370 million digits
PERCENT_OF = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*of\b", re.IGNORECASE)
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%(?!\s*[\d(])")

Number = int | float


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > LARGEST_BITS:
        raise ValueError(f"{base}**{exponent} is too large")
    return _real(base**exponent)


def _real(value: Any) -> Number:
    if isinstance(value, complex):
        raise ValueError("the result is no real number")  # noqa: TRY004 - a wrong value, not a wrong type
    return value  # type: ignore[no-any-return]


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
    "round": round,
    "abs": abs,
    "min": min,
    "max": max,
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
        raise ValueError(f"the expression is longer than {LONGEST} characters")
    plain = PERCENT.sub(r"(\1/100)", PERCENT_OF.sub(r"(\1/100)*", expression)).replace("^", "**").strip()
    try:
        tree = ast.parse(plain, mode="eval").body
        return _value(tree, DEEPEST)
    except (SyntaxError, RecursionError):
        raise ValueError(f"{expression!r} is no arithmetic expression") from None
    except ZeroDivisionError:
        raise ValueError("a division by zero") from None
    except OverflowError:
        raise ValueError("the result is too large") from None


def _value(node: ast.expr, depth: int) -> Number:
    if not depth:
        raise ValueError(f"more than {DEEPEST} operations inside of each other")
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
            return _bounded(FUNCTIONS[name](*(_value(argument, depth - 1) for argument in arguments)))
        case _:
            raise ValueError(f"{ast.unparse(node)[:40]!r} is nothing that can be calculated here")


def _bounded(number: Number) -> Number:
    if isinstance(number, int) and number.bit_length() > LARGEST_BITS:
        raise ValueError("a number is too large")
    return number
