"""Pictures of numbers: SVG whose places are shares of its width, so that it fits every screen without a script."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from adapters.web.html import Html, joined, tag

HEIGHT, FOOT, HEAD = 150, 20, 16  # pixels of the bars, of the words below, and of the number above them
GAP = 0.14  # of a place, on each side of its bar
LEAST = 2.0  # pixels of a bar that is not nothing
HIGH, FULL = 0.8, 1.0  # shares from which a budget is warned of, and spent


@dataclass(frozen=True, slots=True)
class Series:
    """One of several numbers at each place. `kind` is its colour."""

    name: str
    kind: str
    values: Sequence[float]


def bars(caption: str, places: Sequence[str], series: Sequence[Series], *, told: Callable[[float], str]) -> Html:
    """Bars side by side, the series on top of each other; `told` writes a number."""
    most = max((sum(values) for values in zip(*(each.values for each in series), strict=True)), default=0.0)
    slot = 100 / max(len(places), 1)
    columns = [_column(number, place, series, most=most, slot=slot, told=told) for number, place in enumerate(places)]
    return tag(
        "figure",
        tag("figcaption", tag("strong", caption), _legend(series)),
        tag(
            "svg",
            _grid(most, told),
            tag("g", *columns, role="list", aria_label=caption),
            width="100%",
            height=HEAD + HEIGHT + FOOT,
        ),
        class_="chart",
    )


def _column(
    number: int, place: str, series: Sequence[Series], *, most: float, slot: float, told: Callable[[float], str]
) -> Html:
    parts, foot = [], float(HEAD + HEIGHT)
    for each in series:
        if value := each.values[number]:
            height = max(value / most * HEIGHT, LEAST)
            foot -= height
            at = {"x": _percent((number + GAP) * slot), "width": _percent((1 - 2 * GAP) * slot)}
            parts.append(tag("rect", y=f"{foot:.1f}", height=f"{height:.1f}", class_=each.kind, **at))
    words = ", ".join(f"{each.name} {told(each.values[number])}" for each in series if each.values[number])
    name = f"{place}: {words or told(0)}"
    middle = _percent((number + 0.5) * slot)
    label = tag("text", place, x=middle, y=HEAD + HEIGHT + FOOT - 5, class_="place", aria_hidden="true")
    catcher = tag("rect", x=_percent(number * slot), y=HEAD, width=_percent(slot), height=HEIGHT, class_="catcher")
    return tag("g", tag("title", name), catcher, *parts, label, role="listitem", aria_label=name)


def _grid(most: float, told: Callable[[float], str]) -> Html:
    """The line at the height of the highest bar, and the one below all."""
    lines = [tag("line", x1=0, x2="100%", y1=y, y2=y) for y in (HEAD, HEAD + HEIGHT)]
    return tag("g", *lines, tag("text", told(most), x=0, y=HEAD - 5, class_="most"), class_="grid", aria_hidden="true")


def _legend(series: Sequence[Series]) -> Html | None:
    if len(series) < 2:
        return None
    return tag("ul", *(tag("li", swatch(each.kind), each.name) for each in series), class_="legend")


def swatch(kind: str) -> Html:
    """A spot of a colour."""
    return tag("svg", tag("rect", width=10, height=10, rx=3, class_=kind), width=10, height=10, aria_hidden="true")


def meter(share: float, label: str, *, kind: str = "") -> Html:
    """How much of a whole, at most all of it. Without a `kind` its colour says how far it is."""
    kind = kind or ("bad" if share >= FULL else "ask" if share >= HIGH else "good")
    width = _percent(100 * min(share, FULL))
    track = tag("rect", width="100%", height=10, rx=5, class_="track")
    filled = tag("rect", width=width, height=10, rx=5, class_=kind) if share else None
    return tag("svg", track, filled, width="100%", height=10, role="img", aria_label=label, class_="meter")


def strip(pieces: Sequence[tuple[float, bool, str]], label: str) -> Html:
    """A bar for each piece of work, as high as it was long, its colour saying whether it was done. Newest right."""
    longest, slot = max((seconds for seconds, *_ in pieces), default=0.0) or 1.0, 100 / max(len(pieces), 20)
    drawn = [
        tag(
            "rect",
            tag("title", words),
            x=_percent((number + GAP) * slot),
            y=f"{44 - (height := max(seconds / longest * 44, LEAST)):.1f}",
            width=_percent((1 - 2 * GAP) * slot),
            height=f"{height:.1f}",
            rx=1,
            class_="good" if succeeded else "bad",
        )
        for number, (seconds, succeeded, words) in enumerate(pieces)
    ]
    return tag("svg", *drawn, width="100%", height=44, role="img", aria_label=label, class_="strip")


def stretches(rows: Iterable[tuple[str, str, float, float, str]], whole: float) -> Html:
    """What happened when: a row for each stretch, with name, colour, start, length and words."""
    return tag("ol", *(_stretch(row, whole or 1.0) for row in rows), class_="stretches")


def _stretch(row: tuple[str, str, float, float, str], whole: float) -> Html:
    name, kind, start, length, words = row
    left = min(max(start / whole, 0.0), 1.0)
    wide = max(min(length / whole, 1.0 - left), 0.004)
    bar = tag("rect", x=_percent(100 * left), width=_percent(100 * wide), height=14, rx=3, class_=kind)
    track = tag("rect", width="100%", height=14, rx=3, class_="track")
    return tag(
        "li",
        tag("span", name, class_="name"),
        tag("svg", joined([track, bar]), width="100%", height=14, aria_hidden="true"),
        tag("span", words, class_="number"),
    )


def _percent(share: float) -> str:
    return f"{share:.2f}%"
