"""What a stream is, and the values of its elements, in physical units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.session.data import StreamInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from offline.session.stored import Placed, Stored
    from rig.recording.reader import Recording

__all__ = ["describe", "read_values"]

_HOLE = 4096
"""Elements that are not wanted, between others that are, are read up to so many."""


def describe(recording: Recording, stored: Stored, stream: str) -> StreamInfo:
    """Return what an aligned stream is."""
    spec = recording.streams[stream]
    attributes = recording.attributes(stream)
    placed = stored.attributes_of(stream)
    rate = placed.get("rate_hz", attributes.get("rate_hz"))
    if rate is None and spec.kind == "poses":
        rate = _camera_rate(recording, stream)
    channels, units = _labels(spec.kind, attributes, spec.payload)
    return StreamInfo(
        name=stream,
        kind=spec.kind,
        clock=str(placed.get("clock", "")),
        count=stored.count(stream),
        rate_hz=None if rate is None else float(rate),
        channels=channels,
        units=units,
        attributes=attributes,
    )


def read_values(
    recording: Recording, info: StreamInfo, placed: Placed
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values (n, …) of elements, and whether each is there (n,)."""
    present = np.ones(len(placed.element), np.bool_)
    match info.kind:
        case "frames":
            there = np.full(len(present), -1) if placed.row is None else placed.row
            ids = there if placed.frame_id is None else placed.frame_id
            return ids, there >= 0
        case "samples":
            return _samples(recording, info, placed.element), present
        case "poses":
            return _picked(recording.payload, info.name, placed.element), present
        case _:
            return _picked(recording.rows, info.name, placed.element), present


def _samples(
    recording: Recording, info: StreamInfo, element: NDArray[np.int64]
) -> NDArray[np.float64]:
    counts = _picked(recording.payload, info.name, element)
    scale = np.asarray(info.attributes.get("scale", 1.0), np.float64)
    return counts * scale


def _picked(read: Any, stream: str, element: NDArray[np.int64]) -> NDArray[Any]:
    """Read the pieces that hold some elements, and return them in their order."""
    if not len(element):
        return read(stream, 0, 0)
    order = np.argsort(element, kind="stable")
    rising = element[order]
    pieces = np.split(rising, np.flatnonzero(np.diff(rising) > _HOLE) + 1)
    found = np.concatenate(
        [read(stream, int(p[0]), int(p[-1]) + 1)[p - p[0]] for p in pieces]
    )
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return found[back]


def _camera_rate(recording: Recording, stream: str) -> float | None:
    camera = "cameras/" + stream.removeprefix("poses/")
    spec = recording.streams.get(camera)
    return None if spec is None else spec.rate_hz


def _labels(
    kind: str, attributes: Mapping[str, Any], payload: Any
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and units along the axes of a stream's values."""
    if kind == "poses":
        names = attributes.get("bodyparts") or range(payload.shape[0])
        return tuple(str(name) for name in names), ("px", "px", "1")
    if kind != "samples":
        return (), ()
    count = payload.shape[1]
    names = attributes.get("channels") or range(count)
    units = attributes.get("units", "")
    units = [units] * count if isinstance(units, str) else units
    return tuple(str(name) for name in names), tuple(str(unit) for unit in units)
