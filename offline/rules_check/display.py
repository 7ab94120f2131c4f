"""What ``springhare rules check`` prints: words, doubts, and figures of sessions."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offline.alignment import units
from rig.commands.console import wide_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from offline.fires import Offsets
    from offline.rules_check.result import (
        AgainstTruth,
        RuleFigures,
        RulesCheck,
        SessionCheck,
    )

__all__ = ["show_rules", "show_session"]

_WIDTH = 100
"""Of a paragraph."""


def show_rules(found: RulesCheck, *, words: bool) -> None:
    """Print what a task's rules say, and what looks wrong in them.

    Parameters
    ----------
    found
        All that is said.
    words
        Whether the rules are told; what looks wrong always is.
    """
    console = wide_console()
    console.print(Text(f"task {found.task}", "bold"))
    if words:
        for rule in found.words:
            console.print()
            console.print(fill(rule.words, _WIDTH), markup=False)
        if not found.words:
            console.print("it has no rules")
    if found.doubts:
        console.print()
    for doubt in found.doubts:
        console.print(Text(fill(f"{doubt.rule}, {doubt.where}: {doubt.text}", _WIDTH,
                                subsequent_indent="  "), "yellow"))  # fmt: skip
    if words and found.words and not found.doubts:
        console.print(Text("\nnothing looks wrong", "dim"))
    for each in found.unchecked:
        console.print(Text(each, "dim"))


def show_session(found: SessionCheck) -> None:
    """Print what the rules did in a session."""
    console = wide_console()
    poses = " and ".join(
        f"{units.count(count)} poses of {camera}"
        for camera, count in found.poses.items()
    )
    console.print()
    console.print(Text(found.session_id, "bold"))
    console.print(f"{poses or 'no poses'} in {found.seconds:.1f} s", markup=False)
    _show_play(console, found)
    console.print(_decided(found))
    if any(rule.truth for rule in found.rules):
        _show_truth(console, found)
    for rule in found.rules:
        _show_frames(console, rule)
    for remark in found.remarks:
        console.print(Text(remark, "yellow"))


def _show_play(console: Console, found: SessionCheck) -> None:
    """Say under which task it was played, and whether that is what was recorded."""
    if not found.own:
        console.print("another task than the session's own: what would have been")
        return
    if not found.sameness:
        console.print("the session's own task, as if it had always been armed")
    for each in found.sameness:
        words = f"as recorded: {each.same} of {each.recorded} {each.stream} the same"
        if each.whole:
            console.print(Text(words, "green"))
            continue
        if each.replayed != each.recorded:
            words += f", {each.replayed} replayed"
        console.print(Text(f"not {words}", "bold red"))
        console.print(Text(f"  first difference: {each.first}", "red"))


def _decided(found: SessionCheck) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rule", min_width=14)
    for name in ("fired", "sham", *(["disarmed"] if _disarmed(found) else [])):
        table.add_column(name, justify="right", min_width=6)
    for name in ("first", "every", "age"):
        table.add_column(name, justify="right", min_width=9)
    table.add_column("suppressed", min_width=12)
    for rule in found.rules:
        row = [rule.rule, str(rule.fired), str(rule.sham)]
        row += [str(rule.disarmed)] if _disarmed(found) else []
        row += [_seconds(rule.first_s), _seconds(rule.median_interval_s)]
        row += [units.DASH if rule.age is None else f"{rule.age.median_ms:.1f} ms"]
        table.add_row(*row, _counted(rule.suppressed))
    return table


def _disarmed(found: SessionCheck) -> bool:
    return any(rule.disarmed for rule in found.rules)


def _show_truth(console: Console, found: SessionCheck) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rule", min_width=14)
    for name in ("events", "found", "missed", "false", "wrong"):
        table.add_column(name, justify="right", min_width=6)
    for name in ("seen", "decided", "action"):
        table.add_column(name, justify="right", min_width=16, no_wrap=True)
    words: list[str] = []
    for rule in found.rules:
        truth = rule.truth
        if truth is None:
            continue
        table.add_row(
            rule.rule,
            *map(str, (truth.events, truth.found, truth.missed, truth.false)),
            f"{100 * truth.wrong_fraction:.0f} %",
            *map(_offsets, (truth.seen, truth.decided, truth.action)),
        )
        words.append(_truth_words(rule.rule, truth))
    console.print("\nagainst the truth; ms after it: median (5 % to 95 %)")
    console.print(table)
    for line in words:
        console.print(Text(line, "dim"))
    if found.landing_ms is not None:
        landing = f"{found.landing_ms:.1f} ms from decision to edge, acknowledged"
        console.print(Text(f"action: {landing}", "dim"))


def _truth_words(rule: str, truth: AgainstTruth) -> str:
    words = f"{rule}: true is when {truth.truth}, within {truth.within_ms:g} ms"
    if truth.missed_by:
        words += f"; missed by {_counted(truth.missed_by)}"
    return words


def _show_frames(console: Console, rule: RuleFigures) -> None:
    frames = rule.frames
    if frames is None:
        return
    console.print(
        f"{rule.rule}: of {frames.frames} labelled frames the condition holds in "
        f"{frames.both + frames.missed} by the labels and in {frames.both} of these by "
        f"the poses; false in {frames.false}, untold in {frames.untold}",
        markup=False,
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _seconds(value: float | None) -> str:
    return units.DASH if value is None else f"{value:.2f} s"


def _offsets(found: Offsets | None) -> str:
    if found is None:
        return units.DASH
    median, low, high = map(_signed, (found.median_ms, found.p5_ms, found.p95_ms))
    return f"{median} ({low} to {high})"


def _signed(value_ms: float) -> str:
    return f"{value_ms:+.1f}" if abs(value_ms) < 10 else f"{value_ms:+.0f}"
