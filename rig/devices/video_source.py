"""Pictures out of a video file or a webcam: the one file that knows PyAV.

Grey values are full range: a file that keeps black at 16 and white at 235, as most
do, is stretched to 0 and 255, whatever the file's pixel format.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rig.config.rig import VideoConfig

__all__ = ["Picture", "VideoSource"]

_FORMATS = {"Mono8": "gray", "RGB8": "rgb24"}
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a video, or why there is none."""

    index: int
    """Its number in the file, from 0; goes on where the file is looped."""
    pts_ns: int
    """Its time stamp in the file; likewise."""
    image: NDArray[Any] | None
    """(height, width) or (height, width, 3) uint8; None where it cannot be decoded."""
    error: str = ""
    """Why not."""


class VideoSource:
    """A video that is open.

    Parameters
    ----------
    config
        The camera's section of the rig file.

    Raises
    ------
    DeviceError
        If it is not there, is no video, cannot be decoded, or its pictures have
        another size.
    """

    def __init__(self, config: VideoConfig) -> None:
        self._av = import_module("av")
        self._config = config
        self._path = Path(config.source).expanduser()
        self.live = self._path.is_relative_to("/dev")
        """Whether it is a webcam, which paces itself."""
        self._container = self._open()
        self._stream = self._container.streams.video[0]
        # else ffmpeg makes up what is damaged, and says nothing
        self._stream.codec_context.options = {"err_detect": "explode"}
        self._pictures = self._decode()
        self._index = 0
        self._offset_ns = self._next_ns = 0
        try:
            self._check()
        except DeviceError:
            self.close()
            raise

    @property
    def codec(self) -> str:
        """Name of the codec and its pixel format."""
        context = self._stream.codec_context
        return f"{context.name} {context.pix_fmt}"

    @property
    def rate_hz(self) -> float | None:
        """Mean number of pictures per second, if the file tells."""
        rate = self._stream.average_rate
        return float(rate) if rate else None

    def next(self) -> Picture | None:
        """Return the next picture; None at the end."""
        picture = next(self._pictures, None)
        if picture is None and self._config.loop and self._index and not self.live:
            self._container.seek(0)
            self._offset_ns = self._next_ns
            self._pictures = self._decode()
            picture = next(self._pictures, None)
        return picture

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._container.close()

    def _open(self) -> Any:
        source, config = str(self._path), self._config
        options: dict[str, Any] = {}
        if self.live:
            size = f"{config.width_px}x{config.height_px}"
            rate = f"{config.rate_hz:g}"
            options = {
                "format": "v4l2",
                "options": {"video_size": size, "framerate": rate},
            }
        try:
            container = self._av.open(source, **options)
        except (self._av.error.FFmpegError, ValueError) as error:
            msg = (
                f"Expected a video at {source}, got: {error}: give source a file that "
                "ffmpeg can open; a webcam needs a PyAV that was built with v4l2"
            )
            raise DeviceError(msg) from error
        if not container.streams.video:
            container.close()
            msg = f"Expected pictures in {source}, got none: give source a video"
            raise DeviceError(msg)
        return container

    def _check(self) -> None:
        stream, config = self._stream, self._config
        if stream.codec_context is None:
            msg = (
                f"Expected a codec that ffmpeg knows in {self._path}, got none: "
                "convert the file, e.g. with ffmpeg to libx264 or ffv1"
            )
            raise DeviceError(msg)
        size = stream.width, stream.height
        if size != (config.width_px, config.height_px):
            msg = (
                f"Expected pictures of {config.width_px}x{config.height_px} px in "
                f"{self._path}, got {size[0]}x{size[1]}: set width_px and height_px "
                "to those"
            )
            raise DeviceError(msg)

    def _decode(self) -> Iterator[Picture]:
        error_of = self._av.error.FFmpegError
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except self._av.error.EOFError:
                return
            except error_of as error:
                yield self._picture(None, str(error))
                continue
            for frame in frames:
                corrupt = "it is marked as corrupt" if frame.is_corrupt else ""
                yield self._picture(frame, corrupt)

    def _picture(self, frame: Any, error: str = "") -> Picture:
        period_ns = round(_NS_PER_S / self._config.rate_hz)
        pts_ns = self._next_ns
        if frame is not None and frame.pts is not None:
            base = frame.time_base
            pts_ns = frame.pts * base.numerator * _NS_PER_S // base.denominator
            pts_ns += self._offset_ns
        picture = Picture(
            index=self._index,
            pts_ns=pts_ns,
            image=None if error else self._pixels(frame),
            error=error,
        )
        self._index += 1
        self._next_ns = pts_ns + period_ns
        return picture

    def _pixels(self, frame: Any) -> NDArray[Any]:
        full = self._av.video.reformatter.ColorRange.JPEG
        wanted = _FORMATS[self._config.pixel_format]
        return frame.reformat(format=wanted, dst_color_range=full).to_ndarray()
