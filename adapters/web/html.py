"""HTML that cannot be broken out of: whatever is not Html already is escaped on its way in."""

from collections.abc import Iterable
from html import escape

from adapters.text import safe

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})

Attribute = str | int | bool | None


class Html(str):
    """Text that is HTML, and may stand in a page as it is."""

    __slots__ = ()


def words(text: str) -> Html:
    """Text as HTML, without what turns words around."""
    return text if isinstance(text, Html) else Html(escape(safe(text)))


def tag(name: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """An element. `class_` is class, `aria_label` is aria-label; None and False leave an attribute out."""
    opened = f"<{name}{''.join(_attributes(attributes))}>"
    return Html(opened) if name in VOID else Html(f"{opened}{joined(children)}</{name}>")


def joined(parts: Iterable[str | None]) -> Html:
    """All of it, in a row."""
    return Html("".join(words(part) for part in parts if part is not None))


def _attributes(given: dict[str, Attribute]) -> Iterable[str]:
    for name, value in given.items():
        written = name.rstrip("_").replace("_", "-")
        if value is True:
            yield f" {written}"
        elif value is not None and value is not False:
            yield f' {written}="{escape(safe(str(value)))}"'
