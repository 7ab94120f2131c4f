"""A recording on one clock: any stream, any window, resampled onto any other."""

from offline.session.data import StreamData, StreamInfo, Times
from offline.session.session import Session

__all__ = ["Session", "StreamData", "StreamInfo", "Times"]
