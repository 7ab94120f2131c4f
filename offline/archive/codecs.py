"""Codecs: a camera's picture as a frame of a video, and back.

All is full range (0 to 255): a gray video of limited range is not lossless, even
where its codec is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rig.messages import StreamSpec

__all__ = ["Codec", "VideoFormat", "frame_of", "picture_of", "video_format"]

Codec = Literal["ffv1", "h264"]

_FULL = ColorRange.JPEG
_NEUTRAL = 128
"""Chroma without colour."""
_FFV1 = {"level": "3", "slices": "4", "slicecrc": "1"}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How a camera's video is written."""

    codec: Codec
    encoder: str
    container: str
    suffix: str
    pixel_format: str
    colour: bool
    options: Mapping[str, str]

    @property
    def lossless(self) -> bool:
        """Whether every bit comes back."""
        return self.codec == "ffv1"


def video_format(codec: Codec, spec: StreamSpec, crf: int) -> VideoFormat:
    """Return how a camera's video is written.

    Parameters
    ----------
    crf
        H.264's constant rate factor: 0 to 51, smaller is better.

    Raises
    ------
    SpringhareError
        If the codec cannot hold its pictures.
    """
    payload = spec.payload
    if payload is None:
        msg = f"Expected a stream of pictures, got {spec.name}: name a camera"
        raise SpringhareError(msg)
    deep = np.dtype(payload.dtype).itemsize > 1
    height, width, *colours = payload.shape
    if deep and (codec == "h264" or colours):
        msg = (
            f"Expected grey or 8-bit pictures for {codec}, got "
            f"{payload.dtype} {tuple(payload.shape)} from {spec.name}: "
            "take --video ffv1 for grey 16-bit cameras"
        )
        raise SpringhareError(msg)
    if codec == "ffv1":
        pixels = "bgr0" if colours else "gray16le" if deep else "gray"
        return VideoFormat(
            codec, "ffv1", "matroska", ".mkv", pixels, bool(colours), _FFV1
        )
    even = height % 2 == width % 2 == 0
    odd_format = "yuv444p" if colours else "gray"
    options = {"crf": str(crf), "preset": "veryfast", "bf": "0"}
    pixels = "yuv420p" if even else odd_format
    return VideoFormat(codec, "libx264", "mp4", ".mp4", pixels, bool(colours), options)


def frame_of(picture: NDArray[Any], how: VideoFormat) -> av.VideoFrame:
    """Return a picture as a frame in the video's own pixel format."""
    if how.colour:
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame = _reformatted(frame, how.pixel_format)
    elif how.pixel_format == "yuv420p":
        frame = _grey_frame(picture)
    else:
        frame = av.VideoFrame.from_ndarray(picture, format=how.pixel_format)
    frame.color_range = _FULL
    return frame


def picture_of(frame: av.VideoFrame, how: VideoFormat) -> NDArray[Any]:
    """Return a decoded frame as the camera's picture."""
    if how.colour:
        return _reformatted(frame, "rgb24").to_ndarray()
    if how.pixel_format == "yuv420p":
        return _plane(frame, 0)[: frame.height, : frame.width]
    return frame.to_ndarray()


def _reformatted(frame: av.VideoFrame, pixel_format: str) -> av.VideoFrame:
    return frame.reformat(
        format=pixel_format,
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=_FULL,
        dst_color_range=_FULL,
    )


def _grey_frame(picture: NDArray[Any]) -> av.VideoFrame:
    # by hand: a converter would scale grey to a limited range and back
    height, width = picture.shape
    frame = av.VideoFrame(width, height, "yuv420p")
    _plane(frame, 0)[:height, :width] = picture
    for number in (1, 2):
        _plane(frame, number)[...] = _NEUTRAL
    return frame


def _plane(frame: av.VideoFrame, number: int) -> NDArray[np.uint8]:
    plane: Any = frame.planes[number]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
