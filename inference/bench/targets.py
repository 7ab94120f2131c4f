"""What engines and predictions are to reach beside stock dlclive's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import Console

__all__ = [
    "DYNAMIC",
    "HALF",
    "REFERENCE",
    "TORCH",
    "WHOLE",
    "prediction_targets",
    "show_targets",
    "targets",
]

REFERENCE = "dlclive"
WHOLE, DYNAMIC = "onnx", "onnx, dynamic crop"
TORCH, HALF = "torch", "torch, half"
"""The ways that are measured, by name."""

_FASTER_ON_A_PROCESSOR = {"320x240": 3.0, "640x480": 2.0}
_FASTER_WITH_A_CROP = {"640x480": 6.0}
_FASTER_ON_A_GPU = 4.0
_MAX_PX, _MAX_HALF_PX, _MEDIAN_CROP_PX = 0.01, 0.1, 0.5
_P99_TO_P50 = 1.3
_AHEAD_MS, _SHARE_OF_NONE, _SHARE_OF_DLCLIVE = 15.0, 0.5, 1.0


def targets(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was to be reached, and whether it was.

    Parameters
    ----------
    found
        The figures of `inference.bench.engines.measure`.
    """
    targets: list[dict[str, Any]] = []
    for size, figures in found["sizes"].items():
        on_gpu = "cuda" in figures["ways"][REFERENCE]["provider"]
        targets += (_on_a_gpu if on_gpu else _on_a_processor)(size, figures["ways"])
    if (film := found["film"]) is not None:
        targets += [
            _at_most(
                "median px off with dynamic crop, whole film",
                film["median_px"],
                _MEDIAN_CROP_PX,
            ),
            _at_most("frames with the animal outside the box", film["lost_frames"], 0),
        ]
    return targets


def prediction_targets(cases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what was to be reached 15 ms ahead in the simulated jumps.

    Parameters
    ----------
    cases
        The figures of `inference.bench.prediction_errors.measure`.
    """
    moving_px = {
        (case["motion"], case["rate_hz"], case["way"]): case["moving"]["mean_px"]
        for case in cases
        if case["motion"].startswith("jump") and case["horizon_ms"] == _AHEAD_MS
    }
    return [
        _at_most(
            f"mean error beside {other}, {motion}, {rate_hz:g} Hz, {_AHEAD_MS:g} ms",
            moving_px[motion, rate_hz, "springhare"] / error_px,
            share,
        )
        for other, share in (("none", _SHARE_OF_NONE), ("dlclive", _SHARE_OF_DLCLIVE))
        for (motion, rate_hz, way), error_px in moving_px.items()
        if way == other
    ]


def show_targets(console: Console, targets: Iterable[Mapping[str, Any]]) -> None:
    """Say of each target whether it was reached."""
    for target in targets:
        style, word = ("green", "reached") if target["met"] else ("bold red", "MISSED")
        console.print(
            f"{word}: {target['name']}: {target['value']:.4g}, wanted "
            f"{target['bound']} {target['wanted']:g}",
            style=style,
            soft_wrap=True,
        )


def _on_a_processor(size: str, ways: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = ways[WHOLE]
    if size in _FASTER_ON_A_PROCESSOR:
        wanted = _FASTER_ON_A_PROCESSOR[size]
        yield _at_least(f"times faster, {size}", whole["times_faster"], wanted)
    yield _at_most(f"max px off, {size}", whole["max_px"], _MAX_PX)
    if size in _FASTER_WITH_A_CROP:
        yield _at_least(
            f"times faster with dynamic crop, {size}",
            ways[DYNAMIC]["times_faster"],
            _FASTER_WITH_A_CROP[size],
        )


def _on_a_gpu(size: str, ways: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    half = ways[HALF]
    yield _at_least(
        f"times faster on a GPU, {size}", half["times_faster"], _FASTER_ON_A_GPU
    )
    yield _at_most(f"max px off on a GPU, {size}", half["max_px"], _MAX_HALF_PX)
    yield _at_most(
        f"p99 / p50 on a GPU, {size}", half["p99_ms"] / half["p50_ms"], _P99_TO_P50
    )


def _at_least(name: str, value: float, wanted: float) -> dict[str, Any]:
    return _target(name, value, "at least", wanted, met=value >= wanted)


def _at_most(name: str, value: float, wanted: float) -> dict[str, Any]:
    return _target(name, value, "at most", wanted, met=value <= wanted)


def _target(
    name: str, value: float, bound: str, wanted: float, *, met: bool
) -> dict[str, Any]:
    return {"name": name, "value": value, "bound": bound, "wanted": wanted, "met": met}
