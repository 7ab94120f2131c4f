"""The verdict, so that it is seen in two seconds and by every eye.

A level is always a shape, a word and a colour at once: who cannot tell red from green
reads the same as everybody else, on paper too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.report.markup import Html, details, join, tag, text
from offline.alignment.result import worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline.alignment.result import Alignment, Finding, Level

__all__ = ["badge", "findings", "hero", "icon", "level_of", "plural"]

_SHAPES = {
    "PASS": '<circle cx="12" cy="12" r="11"/><path d="M6.8 12.6l3.6 3.6 7-8"/>',
    "WARN": '<path class="fill" d="M12 1.2L23.4 21.6H.6z"/>'
    '<path d="M12 8.6v6M12 18.2v.2"/>',
    "FAIL": '<path class="fill" d="M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z"/>'
    '<path d="M8 8l8 8M16 8l-8 8"/>',
}
_MEANING = {
    "PASS": "Every check passed.",
    "WARN": "Usable, but look at what is said below first.",
    "FAIL": "Do not use this alignment before what is said below is mended.",
}


def icon(level: Level, *, silent: bool = False) -> Html:
    """Return the shape of a level; silent where its word stands beside it."""
    shape = Html(_SHAPES[level])
    role, label = (None, None) if silent else ("img", level)
    return tag(
        "svg",
        shape,
        class_=f"icon {level.lower()}",
        viewBox="0 0 24 24",
        role=role,
        aria_label=label,
        aria_hidden="true" if silent else None,
    )


def badge(level: Level) -> Html:
    """Return a level as shape and word, in a line of text."""
    return tag("span", icon(level, silent=True), level, class_=f"badge {level.lower()}")


def hero(alignment: Alignment) -> Html:
    """Return the top of the page: the verdict, in a word and in a sentence."""
    level = alignment.level
    meaning = _MEANING[level] if alignment.findings else "Nothing was checked."
    word = tag("p", icon(level, silent=True), tag("span", level), class_="word")
    facts = [
        ("session", alignment.source),
        ("began", units.date(alignment.started_utc)),
        ("reference clock", alignment.reference),
        ("aligned", units.date(alignment.made_utc)),
    ]
    lines = [
        tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value
    ]
    return tag(
        "header",
        word,
        tag(
            "div",
            tag("h1", units.tight(alignment.sentence)),
            tag("p", meaning, class_="meaning"),
            tag("dl", *lines, class_="about"),
        ),
        class_=f"hero {level.lower()}",
    )


def findings(alignment: Alignment, anchors: Mapping[str, str]) -> Html:
    """Return what was checked: what is wrong first, what is right folded away.

    Parameters
    ----------
    alignment
        All of it.
    anchors
        Where on the page a subject is shown.
    """
    order = {"FAIL": 0, "WARN": 1}
    wrong = [one for one in alignment.findings if one.level != "PASS"]
    wrong.sort(key=lambda one: order[one.level])
    right = [one for one in alignment.findings if one.level == "PASS"]
    parts: list[str] = []
    if wrong:
        parts.append(_listed(wrong, anchors))
    elif right:
        parts.append(tag("p", "Nothing to mend."))
    else:
        parts.append(tag("p", "Nothing was checked."))
    if right:
        title = f"{plural(len(right), 'check')} passed"
        parts.append(details(title, _listed(right, anchors)))
    return tag("section", tag("h2", "What was found"), *parts, id="findings")


def plural(number: int, name: str) -> str:
    """Return a number of things with its name: ``1 check``, ``2 checks``."""
    return f"{units.count(number)} {name}{'' if number == 1 else 's'}"


def level_of(alignment: Alignment, subject: str) -> Level:
    """Return the worst that was found about a stream or a relation."""
    return worst(one.level for one in alignment.findings if one.subject == subject)


def _listed(found: list[Finding], anchors: Mapping[str, str]) -> Html:
    return tag("ul", *(_finding(one, anchors) for one in found), class_="findings")


def _finding(one: Finding, anchors: Mapping[str, str]) -> Html:
    subject = text(one.subject)
    if one.subject in anchors:
        subject = tag("a", one.subject, href=f"#{anchors[one.subject]}")
    measured = f"{one.check} = {units.named(one.check, one.value)}"
    known = one.check if one.value is None else measured
    return tag(
        "li",
        badge(one.level),
        tag(
            "div",
            tag("p", join([tag("b", subject), units.tight(one.words)], " ")),
            tag("code", known),
        ),
        class_=one.level.lower(),
    )
