"""A video file or a webcam as a camera.

A file is played by its own time stamps, or faster: then by as many times the
nominal rate as the ring has seconds, so that a reader may stall for a whole second
before anything of the ring is written over. Its number is a frame's place in the
file, its device time the file's time stamp; it was exposed when it was published.
A file that has ended ends its stream; the node lives on until it is stopped.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from rig.config.rig import VideoConfig
from rig.devices.camera import camera_specs, payload_of
from rig.devices.camera_output import CameraOutput
from rig.devices.video_source import VideoSource
from rig.errors import DeviceError
from rig.messages import Frame, StreamSpec, StreamStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.directory import StreamDirectory
    from rig.devices.video_source import Picture
    from rig.node import NodeContext

__all__ = ["VideoCamera"]

_TURN_NS = 20_000_000
_RATE_SLACK = 0.1
_BROKEN = "the picture cannot be decoded: {}"


class VideoCamera:
    """The node of one video.

    Parameters
    ----------
    context
        What the node is given; `config` is the camera's section of the rig file.
    """

    def __init__(self, context: NodeContext) -> None:
        self._name = context.name
        self._config = VideoConfig.model_validate(dict(context.config))
        self._slow = float(context.session.get("slow", 1.0))
        self._clock = context.clock
        self._source: VideoSource | None = None
        self._output: CameraOutput | None = None
        self._nothing = Event()
        """Never set: to wait."""
        self._next: Picture | None = None
        self._began_ns = self._first_ns = 0
        self._finished = False

    def open(self) -> Sequence[StreamSpec]:
        """Open the video, check its size and rate; declare the streams.

        Raises
        ------
        DeviceError
            If it is not there, cannot be decoded, or is not as the rig file says.
        """
        config = self._config
        self._source = VideoSource(config)
        self._check_rate(self._source)
        return camera_specs(
            self._name,
            payload_of(config.pixel_format, config.width_px, config.height_px),
            config.rate_hz,
            config.ring_seconds,
            {
                "model": self._source.codec,
                "serial": config.source,
                "pixel_format": config.pixel_format,
                "device_stamp": "presentation",
                "trigger": "free_running",
            },
            clock_hz=None,
        )

    def attach(self, streams: StreamDirectory) -> None:
        """Take the writers, and decode the first picture."""
        self._output = CameraOutput(self._name, streams, self._clock)
        if not self._the_source().live:
            self._advance()

    def start(self) -> None:
        """Begin to play."""
        self._first_ns = self._next.pts_ns if self._next is not None else 0
        self._began_ns = self._clock.now()

    def step(self) -> None:
        """Publish the next picture when it is due; decode the one after it.

        Raises
        ------
        DeviceError
            If a webcam sends no more pictures.
        """
        if self._finished:
            self._nothing.wait(_TURN_NS / 1e9)
            return
        if self._next is None:
            self._advance()
        if self._next is None:
            self._end()
            return
        left_ns = self._due_ns(self._next) - self._clock.now()
        if left_ns > 0:
            self._nothing.wait(min(left_ns, _TURN_NS) / 1e9)
        if left_ns <= _TURN_NS:
            self._show(self._next)
            self._advance()
        self._the_output().flush()

    def stop(self) -> None:
        """Close the streams."""
        self._the_output().close()

    def close(self) -> None:
        """Let go of the video and the streams; may be called twice."""
        if self._source is not None:
            self._source.close()
        if self._output is not None:
            self._output.close()

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return nothing: no stream is read."""
        return {}

    def metrics(self) -> Mapping[str, float]:
        """Return whether the file has ended, and by how much it lags."""
        lag_ns = 0
        if self._next is not None and self._began_ns:
            lag_ns = max(self._clock.now() - self._due_ns(self._next), 0)
        return {"finished": float(self._finished), "lag_ms": lag_ns / 1e6}

    def _the_source(self) -> VideoSource:
        if self._source is None:
            msg = f"Expected video {self._name} to be open, it is not: open it first"
            raise DeviceError(msg)
        return self._source

    def _the_output(self) -> CameraOutput:
        if self._output is None:
            msg = f"Expected video {self._name} to have streams: attach it first"
            raise DeviceError(msg)
        return self._output

    def _check_rate(self, source: VideoSource) -> None:
        rate_hz = source.rate_hz
        wanted_hz = self._config.rate_hz * self._slow
        if rate_hz and abs(rate_hz - wanted_hz) > _RATE_SLACK * wanted_hz:
            source.close()
            msg = (
                f"Expected {wanted_hz:g} pictures a second in {self._config.source}, "
                f"got {rate_hz:g}: set rate_hz to that"
            )
            raise DeviceError(msg)

    def _due_ns(self, picture: Picture) -> int:
        """Return the host time at which a picture is to be published."""
        if self._the_source().live:
            return self._clock.now()
        if self._config.pace == "timestamps":
            played_ns = (picture.pts_ns - self._first_ns) * self._slow
            return self._began_ns + round(played_ns)
        rate_hz = self._config.rate_hz * self._config.ring_seconds
        return self._began_ns + round(picture.index * 1e9 / rate_hz)

    def _advance(self) -> None:
        self._next = self._the_source().next()

    def _show(self, picture: Picture) -> None:
        output, now_ns = self._the_output(), self._clock.now()
        if picture.image is None:
            cause = _BROKEN.format(picture.error)
            output.lose("failed_grabs", 1, cause, picture.index, "device")
            return
        target = output.claim()
        if picture.image.shape != target.shape:
            msg = (
                f"Expected pictures of {target.shape} throughout "
                f"{self._config.source}, got {picture.image.shape}: cut the file there"
            )
            raise DeviceError(msg)
        target[...] = picture.image
        output.publish(
            Frame(
                host_ns=now_ns,
                frame_id=picture.index,
                device_ns=picture.pts_ns,
                exposure_ns=now_ns,
            )
        )

    def _end(self) -> None:
        if self._the_source().live:
            msg = (
                f"Expected pictures from {self._config.source}, got the end: check "
                "its cable"
            )
            raise DeviceError(msg)
        self._finished = True
        self._the_output().close()
