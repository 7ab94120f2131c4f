"""What the engines are to reach beside stock dlclive, and whether they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["DYNAMIC", "HALF", "REFERENCE", "TORCH", "WHOLE", "targets"]

REFERENCE = "dlclive"
WHOLE, DYNAMIC = "onnx", "onnx, dynamic crop"
TORCH, HALF = "torch", "torch, half"
"""The ways that are measured, by name."""

_FASTER_ON_A_PROCESSOR = {"320x240": 3.0, "640x480": 2.0}
_FASTER_WITH_A_CROP = {"640x480": 6.0}
_FASTER_ON_A_GPU = 4.0
_MAX_PX, _MAX_HALF_PX, _MEDIAN_CROP_PX = 0.01, 0.1, 0.5
_P99_TO_P50 = 1.3


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
