"""What every camera has in common: numbers of frames, midpoints of exposures.

Pure: no driver, no ring. What is missing between two numbers was lost; when the
light fell on the sensor is told by the camera's clock, not by the image's arrival.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rig.messages import PayloadSpec, StreamSpec
from sync.online import OnlineClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.devices.camera_driver import CameraInfo, Grab, IdRule
    from rig.devices.clock_rows import Exchange

__all__ = ["COUNTERS", "ExposureClock", "FrameIds", "camera_specs", "payload_of"]

COUNTERS = (
    "failed_grabs",
    "missing_ids",
    "skipped_images",
    "triggers_seen",
    "triggers_sent",
    "triggers_ignored",
    "disconnections",
)
"""Counters in the header of a camera's ring, by which the ledger closes."""

_PAYLOADS: dict[str, tuple[str, tuple[int, ...]]] = {
    "Mono8": ("|u1", ()),
    "Mono10": ("<u2", ()),
    "Mono12": ("<u2", ()),
    "Mono16": ("<u2", ()),
    "RGB8": ("|u1", (3,)),
}
_LEAST_SLOTS = 8
_RESET_NS = 3_000_000_000
_TRUSTED_NS = 10_000_000_000


class FrameIds:
    """Makes a transport's frame numbers endless, and tells how many are missing.

    Examples
    --------
    >>> from rig.devices.camera_driver import IdRule
    >>> ids = FrameIds(IdRule(first=1, last=65535))
    >>> ids.take(1), ids.take(3)
    ((1, 0), (3, 1))
    """

    def __init__(self, rule: IdRule) -> None:
        self._rule = rule
        self._next_raw = rule.first
        self._next_id = rule.first

    @property
    def next_id(self) -> int:
        """The number that the next frame should have."""
        return self._next_id

    def take(self, block_id: int) -> tuple[int, int]:
        """Take the next frame's number.

        Parameters
        ----------
        block_id
            As the transport gives it; negative where it is not valid: then the
            frame is taken for the next one.

        Returns
        -------
        tuple of int
            The frame's endless number, and how many are missing before it.
        """
        raw = self._next_raw if block_id < 0 else block_id
        gap = self._gap(raw)
        frame_id = self._next_id + gap
        self._next_id = frame_id + 1
        self._next_raw = self._rule.first if raw == self._rule.last else raw + 1
        return frame_id, gap

    def restart(self, rule: IdRule, missed: int = 0) -> None:
        """Go on with a camera that begins to count anew, after `missed` frames."""
        self._rule = rule
        self._next_raw = rule.first
        self._next_id += missed

    def _gap(self, raw: int) -> int:
        first, last = self._rule.first, self._rule.last
        ahead = raw - self._next_raw
        if last is not None:
            span = last - first + 1
            ahead %= span
            ahead = ahead if ahead <= span // 2 else -1
        return max(ahead, 0)  # behind: the camera counts anew, nothing is known


class ExposureClock:
    """Says when, on the host's clock, the middle of each exposure was.

    Parameters
    ----------
    info
        What the camera's stamps stand for. Without stamps the middle is taken to be
        half an exposure before the arrival: too late by the way from the sensor to
        the host. With stamps, but no answer to `latched`, it is too late by the
        shortest such way.
    """

    def __init__(self, info: CameraInfo) -> None:
        self.clock = OnlineClock()
        """The camera's clock on the host's."""
        self._take(info)

    def restart(self, info: CameraInfo) -> None:
        """Go on with a camera that was plugged in anew."""
        self.clock.restart()
        self._take(info)

    def is_foreign(self, grab: Grab) -> bool:
        """Tell whether the camera's clock was set back: ask it for its time first."""
        return 0 <= grab.device_ns < self._latched_ns - _RESET_NS

    def midpoint_ns(self, grab: Grab) -> int:
        """Return the host time of the middle of an image's exposure."""
        latest_ns = grab.arrival_ns - self._half_ns
        if not self._stamped or grab.device_ns < 0:
            return latest_ns
        end_ns = grab.device_ns + self._to_end_ns
        # an answer is sooner here than an image's pixels: of a camera that answers,
        # images tell only what comes too late
        if not -_RESET_NS < end_ns - self._latched_ns < _TRUSTED_NS:
            self.clock.update(end_ns, grab.arrival_ns)
        middle_ns, _ = self.clock.to_host(end_ns - self._half_ns)
        return min(middle_ns, latest_ns)

    def latched(self, exchange: Exchange) -> None:
        """Take the camera's answer to the question what time it is."""
        answered_ns = exchange.answered_ns
        self._latched_ns = answered_ns
        self.clock.update_two_way(answered_ns, exchange.asked_ns, exchange.received_ns)

    def _take(self, info: CameraInfo) -> None:
        self._half_ns = info.exposure_ns // 2
        self._to_end_ns = info.exposure_ns if info.stamp == "exposure_start" else 0
        self._stamped = info.stamp != "none"
        self._latched_ns = -_TRUSTED_NS


def payload_of(pixel_format: str, width_px: int, height_px: int) -> PayloadSpec:
    """Return what an image of a pixel format is in memory."""
    dtype, colours = _PAYLOADS[pixel_format]
    return PayloadSpec(dtype=dtype, shape=(height_px, width_px, *colours))


def camera_specs(
    name: str,
    payload: PayloadSpec,
    rate_hz: float,
    ring_seconds: float,
    attributes: Mapping[str, str | float | int],
    *,
    clock_hz: float | None,
) -> list[StreamSpec]:
    """Return the streams of a camera: frames, losses, and its clock if it has one."""
    frames = StreamSpec(
        name=f"cameras/{name}",
        kind="frames",
        node=name,
        payload=payload,
        rate_hz=rate_hz,
        # one slot more: the one that is being written cannot be read
        slots=max(_LEAST_SLOTS, ceil(rate_hz * ring_seconds) + 1),
        counters=COUNTERS,
        attributes=dict(attributes),
    )
    losses = StreamSpec(name=f"losses/{name}", kind="losses", node=name)
    if clock_hz is None:
        return [frames, losses]
    clocks = StreamSpec(
        name=f"clocks/{name}", kind="clocks", node=name, rate_hz=clock_hz
    )
    return [frames, losses, clocks]
