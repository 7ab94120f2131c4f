"""What ``springhare replay`` prints: is it the same, and what would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offline.alignment import units
from rig.commands.console import wide_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from offline.replay.result import Fire, Looked, ReplayResult, RuleWhatIf, Shift

__all__ = ["show_replay"]

_COLOURS = {"lost": "red", "gained": "yellow", "earlier": "cyan", "later": "cyan"}
_WHOSE = {"recorded": "the session's task", "replayed": "the replayed task"}


def show_replay(found: ReplayResult, *, listed: bool) -> None:
    """Print what came of a replay.

    Parameters
    ----------
    found
        All that is said.
    listed
        Whether each fire is told.
    """
    console = wide_console()
    console.print(Text(found.session_id, "bold"))
    poses = " and ".join(
        f"{units.count(count)} poses of {camera}"
        for camera, count in found.poses.items()
    )
    console.print(f"{poses or 'no poses'} in {found.seconds:.1f} s", markup=False)
    how = [
        "under its own task" if found.own else f"under another task, {found.task}",
        *(["as if always armed"] if found.armed == "always" else []),
        *(["with the recorded poses"] if found.looked is None else []),
    ]
    console.print(", ".join(how), markup=False)
    if found.looked is not None:
        _show_network(console, found.looked)
    if found.sameness:
        _show_sameness(console, found)
    if not (found.own and found.must_be_same) or found.differs:
        _show_rules(console, found)
    if listed:
        _show_fires(console, found)
    for remark in found.remarks:
        console.print(Text(remark, "yellow"))


def _show_network(console: Console, found: Looked) -> None:
    console.print(
        f"looked at by {found.model} ({found.engine}, {found.provider}, "
        f"{found.sha256[:12]})",
        markup=False,
    )
    if found.network_ms is not None:
        chosen = ", ".join(
            f"{camera} {count} frames ({found.live.get(camera, 0)} live, "
            f"{found.both.get(camera, 0)} of them the same)"
            for camera, count in found.poses.items()
        )
        console.print(
            f"a look takes {found.network_ms:.2f} ms; frames chosen anew: {chosen}",
            markup=False,
        )
    if found.differs:
        told = "; ".join(found.differs)
        console.print(Text(f"not as it was live: {told}", "yellow"))
    elif found.network_ms is None:
        console.print("the network that looked live, on the same machine")


def _show_sameness(console: Console, found: ReplayResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stream", min_width=16)
    for name in ("recorded", "replayed", "the same"):
        table.add_column(name, justify="right", min_width=9)
    table.add_column("")
    for each in found.sameness:
        words = Text("bit for bit", "green") if each.whole else Text("DIFFERS", "red")
        counts = map(str, (each.recorded, each.replayed, each.same))
        table.add_row(each.stream, *counts, words)
    console.print(table)
    for each in found.sameness:
        if each.first is not None:
            told = f"first difference in {each.stream}: {each.first}"
            console.print(Text(told, "red" if found.must_be_same else "yellow"))


def _show_rules(console: Console, found: ReplayResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rule", min_width=14)
    for name in ("recorded", "replayed", "kept", "gained", "lost"):
        table.add_column(name, justify="right", min_width=6)
    for name in ("earlier", "later"):
        table.add_column(name, justify="right", min_width=7, no_wrap=True)
    table.add_column("suppressed, was → is", no_wrap=True)
    for rule in found.rules:
        counts = (rule.recorded, rule.replayed, rule.kept, rule.gained, rule.lost)
        table.add_row(
            rule.rule,
            *map(str, counts),
            _shift(rule.earlier),
            _shift(rule.later),
            _suppressed(rule),
        )
    console.print("\nwhat would have been, by fires")
    console.print(table)
    told = f"fires within {found.within_ms:g} ms of each other are the same one"
    console.print(
        Text(f"{told}; earlier, later: how many kept ones, by (median, worst)", "dim")
    )
    for only, whose in _WHOSE.items():
        names = ", ".join(rule.rule for rule in found.rules if rule.only == only)
        if names:
            console.print(Text(f"only {whose} has {names}", "yellow"))


def _show_fires(console: Console, found: ReplayResult) -> None:
    only = {rule.rule for rule in found.rules if rule.only is not None}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, side in (("at", "right"), ("frame", "right"), ("rule", "left")):
        table.add_column(name, justify="right" if side == "right" else "left")
    for name in ("recorded", "replayed", "what became of it"):
        table.add_column(name, min_width=8)
    for fire in found.fires:
        frame = str(fire.frame_id) if fire.frame_id >= 0 else units.DASH
        table.add_row(
            f"{fire.at_s:.3f} s",
            frame,
            fire.rule,
            fire.recorded or units.DASH,
            fire.replayed or units.DASH,
            Text(_became(fire, fire.rule in only), _COLOURS.get(fire.became, "")),
        )
    console.print()
    console.print(table if found.fires else Text("nothing fired", "dim"))


def _became(fire: Fire, only: bool) -> str:
    if fire.shift_ms is not None:
        away = f" by {abs(fire.shift_ms):.1f} ms" if fire.shift_ms else ""
        return fire.became + away
    if only:
        return f"{fire.became}: the other task has no such rule"
    where = "now" if fire.became == "lost" else "then"
    if fire.held_back_by is None:
        return f"{fire.became}: {where} the condition did not hold near it"
    return f"{fire.became}: {where} suppressed by {fire.held_back_by}"


def _shift(found: Shift | None) -> str:
    if found is None:
        return units.DASH
    return f"{found.count} ({found.median_ms:.1f}, {found.worst_ms:.1f} ms)"


def _suppressed(rule: RuleWhatIf) -> str:
    then, now = rule.suppressed_recorded, rule.suppressed_replayed
    return ", ".join(_change(name, then, now) for name in sorted({*then, *now}))


def _change(name: str, then: Mapping[str, int], now: Mapping[str, int]) -> str:
    return f"{name} {then.get(name, 0)} → {now.get(name, 0)}"
