"""Whether exposures are stamped when their triggers were: two clocks, one moment.

A camera that is triggered by wire exposes at once. Where its stamps say that it did so
much later, they are wrong, and every age and latency that begins with an exposure is
too small by as much. A camera that the host triggers is late in truth: nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["late_stamps"]

_LEAST = 20
"""Fewer frames with a trigger say nothing."""


def late_stamps(recording: Recording) -> list[str]:
    """Return a remark for each camera whose exposures are stamped too late.

    That is by more than one frame period in the median.
    """
    devices: Mapping[str, Any] = recording.info.configs.rig.get("devices", {})
    return [
        f"cameras/{name}: exposures are stamped {late_ns / 1e6:.0f} ms after their "
        f"triggers (median; period {period_ns / 1e6:.0f} ms): ages and latencies are "
        "too small by as much"
        for name, period_ns, late_ns in _lateness(recording, devices)
        if late_ns > period_ns
    ]


def _lateness(
    recording: Recording, devices: Mapping[str, Any]
) -> Iterator[tuple[str, float, float]]:
    """Yield each wired camera with its period and how late it stamps (median, ns)."""
    for name, device in devices.items():
        trigger: Mapping[str, Any] | None = device.get("trigger")
        stream = f"cameras/{name}"
        if not trigger or trigger.get("mode") != "hardware":
            continue
        if stream not in recording.streams:
            continue
        rate_hz = recording.streams[stream].rate_hz
        frames = recording.rows(stream)
        frames = frames[frames["trigger_seq"] >= 0]
        asked_ns = _asked_ns(recording, trigger["source"], frames["trigger_seq"])
        known = asked_ns >= 0
        if rate_hz and np.count_nonzero(known) >= _LEAST:
            half_ns = 500 * (device.get("exposure_us") or 0)
            begun_ns = frames["exposure_ns"][known] - half_ns
            yield name, 1e9 / rate_hz, float(np.median(begun_ns - asked_ns[known]))


def _asked_ns(
    recording: Recording, source: str, seqs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return when a board's events were on the host's clock; -1 where not known."""
    asked_ns = np.full(len(seqs), -1, np.int64)
    if not {f"events/{source}", f"clocks/{source}"} <= set(recording.streams):
        return asked_ns
    events = recording.rows(f"events/{source}")
    clock = recording.rows(f"clocks/{source}")
    if not len(events) or not len(clock) or (np.diff(clock["device_ns"]) < 0).any():
        return asked_ns  # without a clock, or with one that began anew
    at = np.minimum(np.searchsorted(events["seq"], seqs), len(events) - 1)
    device_ns = events["device_ns"][at]
    offset_ns = np.interp(device_ns, clock["device_ns"], clock["offset_ns"])
    there = events["seq"][at] == seqs
    asked_ns[there] = device_ns[there] + offset_ns[there].astype(np.int64)
    return asked_ns
