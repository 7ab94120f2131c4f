"""The figures as tables: all of them are in the JSON too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from offline.bench.aligning.frames import WAYS
from offline.bench.aligning.models import EDGE_S, interior_margin_s
from rig.commands.bench.tables import conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

__all__ = ["show"]

_COUNTS = ("trains", "unique", "ambiguous", "no_match", "wrong")


def show(console: Console, found: Mapping[str, Any]) -> None:
    """Print everything that was found."""
    for section, tables in _TABLES.items():
        if section in found:
            for table in tables(found):
                console.print(table)
    if "models" in found:
        for peer in found["peers"].values():
            missing = f" [yellow]({peer['missing']})[/]" if peer["missing"] else ""
            console.print(f"{peer['title']}: {peer['source']}{missing}")
    console.print(_targets(found["targets"]))
    for target in found["targets"]:
        if not target["met"]:
            console.print(f"[bold red]MISS[/] {_said(target)}")
    seeds = len(found["plan"]["seeds"])
    console.print(
        f"{seeds} seeds, sessions of {found['plan']['span_s'] / 3600:g} h, "
        f"{found['seconds']:.0f} s; {conditions(found['environment'])}"
    )


def _models(found: Mapping[str, Any]) -> Iterator[Table]:
    peers = found["peers"]
    titles = [peer["title"] for peer in peers.values()]
    ends = {"interior": interior_margin_s(found["plan"]["span_s"]), "whole": EDGE_S}
    for where, margin_s in ends.items():
        table = _table(
            f"Clock models: rms error in µs, {where} (from {margin_s:g} s off the "
            "ends); medians [range]",
            ["train", "crystal"],
            ["limit", "ours", "ours / limit", *titles, "ours / best"],
        )
        for row in found["models"]:
            limit = row["limit_us"]
            ours = row["ours_us"][where]
            over = {key: value / limit for key, value in ours.items()}
            table.add_row(
                row["title"],
                row["crystal"],
                f"{limit:.2f}",
                f"{ours['median']:.2f}",
                _spread(over),
                *(_peer(row, name, where) for name in peers),
                _spread(_worst(row["over_peers"][where])),
            )
        yield table
    yield _honesty("Honesty: share of the truth in the 95 % bands", found["models"])


def _peer(row: Mapping[str, Any], name: str, where: str) -> str:
    if name not in row["peers_us"]:
        return "missing"
    value = row["peers_us"][name][where]["median"]
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _worst(ratios: Mapping[str, Any]) -> Mapping[str, float]:
    """Return our ratio to the peer that comes nearest."""
    nothing = {"median": 0.0, "least": 0.0, "most": 0.0}
    return max(ratios.values(), key=lambda one: one["median"], default=nothing)


def _heavy(found: Mapping[str, Any]) -> Iterator[Table]:
    title = "Heavy tails (Student's t): share of the truth in the 95 % bands"
    yield _honesty(title, found["heavy"])


def _honesty(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(
        title,
        ["train", "crystal"],
        ["coverage [range]", "NIS [range]", "limit µs", "ours / limit"],
    )
    for row in rows:
        share = row["coverage"]
        table.add_row(
            row["title"],
            row["crystal"],
            f"{_mean(share)} [{share['least']:.3f}-{share['most']:.3f}]",
            _spread(row["nis"]),
            f"{row['limit_us']:.2f}",
            _spread(row["over_limit"]),
        )
    return table


def _matching(found: Mapping[str, Any]) -> Iterator[Table]:
    table = _table(
        "Matching: 20 % lost and 20 % invented in each log, ±200 ppm, any offset",
        ["jitter"],
        [
            "unique",
            "recall [range]",
            "false % [range]",
            "knowing both clocks",
            "seconds",
        ],
    )
    for case in found["matching"]:
        ours, oracle = case["ours"], case["oracle"]
        table.add_row(
            case["title"],
            f"{case['unique']} of {case['runs']}",
            f"{ours['recall_together']:.5f} "
            f"[{ours['recall']['least']:.4f}-{ours['recall']['most']:.4f}]",
            f"{100 * ours['false_together']:.3f} "
            f"[{100 * ours['false']['least']:.2f}-{100 * ours['false']['most']:.2f}]",
            f"{oracle['recall_together']:.5f}, {100 * oracle['false_together']:.3f} %",
            _spread(case["seconds"]),
        )
    yield table


def _verdicts(found: Mapping[str, Any]) -> Iterator[Table]:
    section = found["verdicts"]
    table = _table(
        'Verdicts on trains cut at will; wrong: "unique" of a shifted alignment',
        ["kind"],
        [*_COUNTS, "pairs", "false %"],
    )
    for kind, counts in section["kinds"].items():
        table.add_row(kind, *_verdict_cells(counts))
    table.add_section()
    table.add_row("together", *_verdict_cells(section["together"]))
    for one in section["wrong"]:
        table.add_row(f"wrong: number {one['number']}, {one['kind']}")
    yield table


def _verdict_cells(counts: Mapping[str, int]) -> Iterator[str]:
    for name in _COUNTS:
        yield str(counts[name])
    yield f"{counts['pairs']:,}"
    yield f"{100 * counts['false_pairs'] / max(counts['pairs'], 1):.3f}"


def _frames(found: Mapping[str, Any]) -> Iterator[Table]:
    section = found["frames"]
    frames, lost = section["frames"]["median"], section["lost"]["median"]
    table = _table(
        f"Frame times: {frames:,.0f} frames at 100 Hz, {lost:.0f} lost; jitter of the "
        "pulses 50 µs, of the stamps 10 µs",
        ["way"],
        ["rms µs [range]", "worst µs"],
    )
    for name, words in WAYS.items():
        rms_us = section["rms_us"][name]
        range_us = f"[{rms_us['least']:,.1f}-{rms_us['most']:,.1f}]"
        title = f"ours: {words}" if name == "ours" else words
        most_us = section["most_us"][name]["median"]
        table.add_row(title, f"{rms_us['median']:,.1f} {range_us}", f"{most_us:,.0f}")
    table.caption = (
        f"ours: {_mean(section['coverage'])} of the frames in their 95 % bands; "
        f"{section['seconds']['median']:.2f} s"
    )
    yield table


def _speed(found: Mapping[str, Any]) -> Iterator[Table]:
    section = found["speed"]
    table = _table(
        f"Speed, in turns, {section['rounds']} rounds: medians [range]",
        ["what"],
        ["pulses", "ms", "× the half"],
    )
    for fit, ratio in zip(section["fits"], [None, *section["doubling"]], strict=True):
        twice = "" if ratio is None else _spread(ratio)
        took = _milliseconds(fit["seconds"])
        table.add_row("ours: fit_clock", f"{fit['pulses']:,}", took, twice)
    pulses = section["fits"][1]["pulses"]
    for name, peer in section["peers"].items():
        title = found["peers"][name]["title"]
        table.add_row(title, f"{pulses:,}", _milliseconds(peer["seconds"]), "")
    yield table


def _targets(targets: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("What was wanted", ["what", "wanted"], ["found", "met"])
    for what in dict.fromkeys(target["what"] for target in targets):
        same = [target for target in targets if target["what"] == what]
        values = [target["found"] for target in same]
        met = sum(target["met"] for target in same)
        style = "green" if met == len(same) else "bold red"
        least, most = min(values), max(values)
        range_ = f"{least:.4g}" if least == most else f"{least:.4g} to {most:.4g}"
        words = f"[{style}]{met} of {len(same)}[/]"
        table.add_row(what, same[0]["wanted"], range_, words)
    return table


def _said(target: Mapping[str, Any]) -> str:
    best = "" if target["best"] is None else f", possible {target['best']:.4g}"
    return (
        f"{target['what']}, {target['of']}: {target['found']:.4g}, "
        f"wanted {target['wanted']}{best}"
    )


def _spread(values: Mapping[str, float], digits: int = 2) -> str:
    median, least, most = (values[key] for key in ("median", "least", "most"))
    return f"{median:.{digits}f} [{least:.{digits}f}-{most:.{digits}f}]"


def _milliseconds(seconds: Mapping[str, float]) -> str:
    return _spread({key: 1e3 * value for key, value in seconds.items()}, 1)


def _mean(values: Mapping[str, Any]) -> str:
    error = values["standard_error"]
    return f"{values['mean']:.3f}" + ("" if error is None else f" ±{error:.3f}")


def _table(title: str, words: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(
        title=escape(title),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(escape(name), justify="right")
    return table


_TABLES: dict[str, Callable[[Mapping[str, Any]], Iterator[Table]]] = {
    "models": _models,
    "heavy": _heavy,
    "matching": _matching,
    "verdicts": _verdicts,
    "frames": _frames,
    "speed": _speed,
}
