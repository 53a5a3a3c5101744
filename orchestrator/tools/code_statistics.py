"""The module `statistics` for code: Monty has none, so the usual functions are computed on this side, bounded."""

import statistics
from collections.abc import Callable
from typing import Any

from pydantic_monty import ExternalModule

MOST_VALUES = 10_000  # variance takes 10 ms for so many, which no limit of the code's time covers


def _of_numbers(function: Callable[[list[float]], float]) -> Callable[[Any], float]:
    """The function, for numbers as floats: the whole number of a million digits is refused, and not computed with."""

    def of_numbers(data: Any) -> float:
        if not isinstance(data, list | tuple | set):  # a view or a range arrives as its text
            raise TypeError("statistics takes a list of numbers: write list(...)")
        if len(data) > MOST_VALUES:
            raise ValueError(f"statistics takes {MOST_VALUES:,} values at most, these are {len(data):,}")
        try:
            return function([float(value) for value in data])
        except (statistics.StatisticsError, OverflowError) as error:
            raise ValueError(str(error)) from None

    return of_numbers


FUNCTIONS = (
    statistics.mean,
    statistics.fmean,
    statistics.median,
    statistics.stdev,
    statistics.pstdev,
    statistics.variance,
    statistics.pvariance,
)
STATISTICS = ExternalModule({function.__name__: _of_numbers(function) for function in FUNCTIONS})
