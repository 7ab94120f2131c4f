"""The streams of an aligned session, read window by window."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from offline.session.contents import describe, read_values
from offline.session.data import StreamData, StreamInfo
from offline.session.resampling import regular_period_ns
from offline.session.targets import Target, times_within
from rig.errors import SessionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.session.stored import Placed, Stored
    from rig.recording.reader import Recording

__all__ = ["Source"]


class Source:
    """What was recorded, by its session time.

    Parameters
    ----------
    recording
        All that was recorded.
    stored
        Its times.
    last_ns
        Session time of the last element of all streams.
    """

    def __init__(self, recording: Recording, stored: Stored, last_ns: int) -> None:
        self._recording = recording
        self._stored = stored
        self._last_ns = last_ns

    @cached_property
    def streams(self) -> dict[str, StreamInfo]:
        """What each stream is, by name."""
        names = self._stored.streams()
        return {name: describe(self._recording, self._stored, name) for name in names}

    def info(self, stream: str) -> StreamInfo:
        """Return what a stream is.

        Raises
        ------
        SessionError
            If there is none of that name with session times.
        """
        if stream not in self.streams:
            msg = (
                f"Expected an aligned stream of {self._recording.folder.name}, got "
                f"{stream!r}; there are: {', '.join(self.streams)}"
            )
            raise SessionError(msg)
        return self.streams[stream]

    def placed(self, stream: str, start_ns: int | None, stop_ns: int | None) -> Placed:
        """Return the places in time of a stream's elements within a window."""
        return self._stored.window(self.info(stream).name, start_ns, stop_ns)

    def window(
        self, stream: str, start_ns: int | None, stop_ns: int | None
    ) -> StreamData:
        """Return a window of a stream, with its values."""
        info = self.info(stream)
        placed = self.placed(stream, start_ns, stop_ns)
        values, present = read_values(self._recording, info, placed)
        return StreamData(
            info=info,
            time_ns=placed.time_ns,
            sd_ns=placed.sd_ns,
            values=values,
            present=present,
            element=placed.element,
            span_ns=self._span_ns(placed.time_ns, start_ns, stop_ns),
        )

    def data(
        self, source: str | StreamData, start_ns: int | None, stop_ns: int | None
    ) -> StreamData:
        """Return a window of a stream, or of what was read of it."""
        if isinstance(source, str):
            return self.window(source, start_ns, stop_ns)
        return source.between(start_ns, stop_ns)

    def target(
        self,
        onto: str | StreamData | NDArray[np.int64],
        start_ns: int | None,
        stop_ns: int | None,
    ) -> Target:
        """Return the times of a stream, or those that are given, within a window."""
        period_ns = None
        if isinstance(onto, str):
            placed = self.placed(onto, start_ns, stop_ns)
            time_ns, sd_ns = placed.time_ns, placed.sd_ns
            period_ns = self.info(onto).period_ns
        elif isinstance(onto, StreamData):
            onto = onto.between(start_ns, stop_ns)
            time_ns, sd_ns, period_ns = onto.time_ns, onto.sd_ns, onto.info.period_ns
        else:
            time_ns = times_within(onto, start_ns, stop_ns)
            sd_ns = np.zeros(len(time_ns), np.float32)
        return Target(
            time_ns=time_ns,
            sd_ns=sd_ns,
            period_ns=period_ns or regular_period_ns(time_ns),
            span_ns=self._span_ns(time_ns, start_ns, stop_ns),
        )

    def close(self) -> None:
        """Close the file of times."""
        self._stored.close()

    def _span_ns(
        self, time_ns: NDArray[np.int64], start_ns: int | None, stop_ns: int | None
    ) -> tuple[int, int]:
        if start_ns is None:
            start_ns = int(time_ns.min(initial=0))
        if stop_ns is None:
            stop_ns = int(time_ns.max(initial=self._last_ns)) + 1
        return start_ns, stop_ns
