"""HTML as strings in which nothing from a recording can be anything but text.

A stream's name, a cause, a file's path may hold any characters. What is not `Html` is
escaped where it enters, so that no call can forget it, and every element is closed by
the function that opened it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Html", "details", "join", "readable", "table", "tag", "text"]

_SPACES = "\n\t\u00a0\u202f"
_VOID = frozenset({"meta", "link", "br", "hr", "img"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return any text as markup that shows just that; `Html` as it is."""
    if isinstance(value, Html):
        return value
    return Html(escape(readable(value)))


def readable(value: str) -> str:
    """Return a text without characters that steer instead of showing something."""
    return "".join(c if c.isprintable() or c in _SPACES else "�" for c in value)


def join(parts: Iterable[str], between: str = "") -> Html:
    """Return several pieces as one."""
    return Html(text(between).join(text(part) for part in parts))


def tag(name: str, /, *children: str, **attributes: str | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Of the element.
    *children
        Markup, or text that is escaped.
    **attributes
        ``class_`` is ``class``, ``data_label`` is ``data-label``; None: absent.

    Examples
    --------
    >>> tag("p", "1 < 2", class_="small")
    '<p class="small">1 &lt; 2</p>'
    """
    pairs = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(readable(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    start = f"<{name}{''.join(pairs)}>"
    return Html(start if name in _VOID else f"{start}{join(children)}</{name}>")


def details(summary: str, *children: str, class_: str | None = None) -> Html:
    """Return something folded away under a line of text."""
    return tag("details", tag("summary", summary), *children, class_=class_)


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, class_: str = ""
) -> Html:
    """Return a table that scrolls sideways where it is wider than the page.

    Parameters
    ----------
    titles
        Of the columns; one that begins with ``>`` holds numbers, aligned right.
    rows
        Cells, as many as titles.
    """
    number = [title.startswith(">") for title in titles]
    names = [title.removeprefix(">") for title in titles]
    head = join(
        tag("th", name, scope="col", class_="n" if right else None)
        for name, right in zip(names, number, strict=True)
    )
    body = join(
        tag("tr", *(_cell(*of) for of in zip(row, names, number, strict=True)))
        for row in rows
    )
    inner = tag("table", tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", inner, class_=f"scroll {class_}".strip())


def _cell(content: str, name: str, right: bool) -> Html:
    return tag("td", content, class_="n" if right else None, data_label=name)
