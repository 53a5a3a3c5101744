"""A figure beside its baseline, both from one run: the ratio travels between machines, the figure does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, in `unit`, and what a baseline needs on the same machine in the same minute."""

    what: str
    value: float
    unit: str
    baseline: float
    baseline_is: str

    def row(self) -> str:
        ratio = self.value / self.baseline
        return (
            f"{self.what} | {self.value:.4g} {self.unit} "
            f"| {self.baseline:.4g} {self.unit}: {self.baseline_is} | {ratio:.2f}"
        )


def middle(values: Sequence[float]) -> float:
    return median(values)


def high(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return quantiles(values, n=100)[98]
