"""What was asked of a model and found, above the page of its evaluation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.report.markup import Html, join, tag
from offline.alignment.report.verdict import badge, icon
from offline.gate.checks import passed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.alignment.result import Level
    from offline.gate.checks import Check

__all__ = ["verdict"]


def verdict(checks: Sequence[Check], model: str, rig: str) -> Html:
    """Return whether a model may go on a rig, and why, as HTML."""
    states = {check.state for check in checks}
    level: Level = (
        "FAIL" if "FAIL" in states else "WARN" if "WARN" in states else "PASS"
    )
    may = "may be" if passed(checks) else "may not be"
    word = tag("p", icon(level, silent=True), tag("span", level), class_="word")
    said = tag("div", tag("h1", f"{model} {may} the model of {rig}"))
    found = [
        tag(
            "li",
            badge(check.state),
            tag("p", tag("b", f"{check.name}: "), check.told),
            class_=check.state.lower(),
        )
        for check in checks
    ]
    return join(
        [
            tag("header", word, said, class_=f"hero {level.lower()}"),
            tag("ul", *found, class_="findings"),
        ]
    )
