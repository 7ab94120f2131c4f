"""What was wanted, and whether it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["targets"]

_OVER_LIMIT = 1.3
_COVERAGE = (0.92, 0.98)
_RECALL, _FALSE = 0.999, 0.001
_FRAMES_US = 12.0
_SECONDS, _PULSES = 1.0, 216_000
_DOUBLING = 2.2
"""Twice, and a tenth for the machine."""


def targets(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare the sections that were measured with what was wanted.

    Returns
    -------
    list of dict
        ``what`` was wanted, ``of`` which row, ``found`` as a number, ``wanted`` in
        words, whether it was ``met``, and the ``best`` that anybody could, if known.
    """
    return [
        target
        for section, compare in _COMPARE.items()
        if section in found
        for target in compare(found[section])
    ]


def _target(
    what: str,
    of: str,
    found: float,
    wanted: str,
    met: bool,
    best: float | None = None,
) -> dict[str, Any]:
    said = {"what": what, "of": of, "found": found, "wanted": wanted}
    return {**said, "met": bool(met), "best": best}


def _at_most(what: str, of: str, found: float, most: float) -> dict[str, Any]:
    return _target(what, of, found, f"≤ {most:g}", found <= most)


def _models(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        over = row["over_limit_together"]
        yield _at_most("rms / limit, interior", _name(row), over, _OVER_LIMIT)
    for where in ("interior", "whole"):
        for row in rows:
            worst = max(
                (one["median"] for one in row["over_peers"][where].values()),
                default=0.0,
            )
            what = f"rms / best peer's, {where}"
            yield _target(what, _name(row), worst, "< 1", worst < 1)
    yield from _covered("coverage of the 95 % bands", rows)


def _heavy(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from _covered("coverage, heavy tails", rows)


def _covered(what: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    least, most = _COVERAGE
    for row in rows:
        share = row["coverage"]["mean"]
        wanted = f"{least:g} to {most:g}"
        yield _target(what, _name(row), share, wanted, least <= share <= most)


def _matching(cases: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for case in cases:
        recall = case["ours"]["recall_together"]
        wanted = f"≥ {_RECALL:g}"
        yield _target("recall", case["title"], recall, wanted, recall >= _RECALL)
    for case in cases:
        false = case["ours"]["false_together"]
        best = case["oracle"]["false_together"]
        met, wanted = false < _FALSE, f"< {_FALSE:g}"
        yield _target("false pairs", case["title"], false, wanted, met, best)


def _verdicts(section: dict[str, Any]) -> Iterator[dict[str, Any]]:
    wrong = section["together"]["wrong"]
    yield _at_most("wrong and unique", f"{section['trains']:,} trains", wrong, 0)


def _frames(section: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = section["rms_us_together"]
    yield _at_most("frame times, rms µs", "100 Hz", found, _FRAMES_US)


def _speed(section: dict[str, Any]) -> Iterator[dict[str, Any]]:
    fit = section["fits"][1]
    pulses, seconds = fit["pulses"], fit["seconds"]["median"]
    if pulses >= _PULSES:
        yield _at_most("seconds of a fit", f"{pulses:,} pulses", seconds, _SECONDS)
    for less, ratio in zip(section["fits"], section["doubling"], strict=False):
        of = f"from {less['pulses']:,} pulses"
        yield _at_most("time × for pulses × 2", of, ratio["median"], _DOUBLING)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['title']}, {row['crystal']}"


_COMPARE: dict[str, Callable[[Any], Iterator[dict[str, Any]]]] = {
    "models": _models,
    "heavy": _heavy,
    "matching": _matching,
    "verdicts": _verdicts,
    "frames": _frames,
    "speed": _speed,
}
