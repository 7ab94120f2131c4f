"""A session on one clock: any stream, any window, resampled onto any other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from offline.session.data import NS_PER_S, StreamData, Times
from offline.session.edges import only
from offline.session.opening import open_alignment
from offline.session.pictures import pictures
from offline.session.pynapples import to_pynapple
from offline.session.source import Source
from offline.session.targets import take_at
from offline.session.xarrays import to_xarray
from rig.errors import SessionError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from xarray import Dataset

    from offline.alignment.result import Alignment, Level
    from offline.session.data import StreamInfo
    from offline.session.resampling import Method
    from offline.session.stored import Stored

__all__ = ["Session"]


class Session:
    """An aligned session, opened for reading; make one with `open`.

    All times are on one clock: nanoseconds (``_ns``, integer) or seconds (``_s``) since
    the session's start. A window is from `start_s` to before `stop_s`; None is no
    limit. Only what lies in the window is read. What has no session time, such as the
    acknowledgement of a command that made no edge, is in no window: read its row from
    `recording`.

    Examples
    --------
    ::

        with Session.open(folder) as session:
            emg = session.read("signals/daq/emg", 10.0, 12.0)
            pose = session.resample("poses/left", onto=emg)
    """

    def __init__(
        self, recording: Recording, stored: Stored, alignment: Alignment
    ) -> None:
        self.recording = recording
        """All that was recorded, as it was."""
        self.alignment = alignment
        """The figures of the alignment: relations, streams, checks."""
        self._source = Source(recording, stored, round(self.duration_s * NS_PER_S))

    @staticmethod
    def open(path: Path | str) -> Session:
        """Open a session that `springhare align` has aligned.

        Parameters
        ----------
        path
            Its folder, or its session file.

        Raises
        ------
        SessionError
            If there is no session, no alignment, or one of another recording.
        """
        recording = Recording.open(Path(path))
        try:
            return Session(recording, *open_alignment(recording))
        except BaseException:
            recording.close()
            raise

    @property
    def streams(self) -> Mapping[str, StreamInfo]:
        """What each stream that has session times is, by name."""
        return self._source.streams

    @property
    def level(self) -> Level:
        """PASS, WARN or FAIL: how far the times may be trusted."""
        return self.alignment.level

    @property
    def duration_s(self) -> float:
        """Time from the session's start to the last element of all streams."""
        lasts = [stream.last_s for stream in self.alignment.streams]
        return max((last for last in lasts if isfinite(last)), default=0.0)

    def times(
        self, stream: str, start_s: float | None = None, stop_s: float | None = None
    ) -> Times:
        """Return session times and their standard deviations, both (n,), in ns.

        Of a camera's frames the lost ones, too.
        """
        placed = self._source.placed(stream, *_window_ns(start_s, stop_s))
        return Times(placed.time_ns, placed.sd_ns)

    def read(
        self, stream: str, start_s: float | None = None, stop_s: float | None = None
    ) -> StreamData:
        """Return a window of a stream: times, values in physical units, what is lost.

        The pictures of a camera are not among it: see `frames`.
        """
        return self._source.window(stream, *_window_ns(start_s, stop_s))

    def __getitem__(self, stream: str) -> StreamData:
        """Return a stream as a whole."""
        return self.read(stream)

    def events(
        self,
        device: str,
        line: str | None = None,
        edge: Literal["rising", "falling"] | None = None,
        start_s: float | None = None,
        stop_s: float | None = None,
    ) -> StreamData:
        """Return events of a device, those of one line and edge if you like.

        Parameters
        ----------
        device
            ``daq``, or ``events/daq``.
        line, edge
            As named in the rig file; None for all.
        """
        data = self.read("events/" + device.removeprefix("events/"), start_s, stop_s)
        return only(data, line, edge)

    def frames(
        self, camera: str, start_s: float | None = None, stop_s: float | None = None
    ) -> Iterator[tuple[int, NDArray[Any] | None]]:
        """Yield the session time (ns) and picture of each frame; None for a lost one.

        Parameters
        ----------
        camera
            ``left``, or ``cameras/left``.
        """
        stream = "cameras/" + camera.removeprefix("cameras/")
        placed = self._source.placed(stream, *_window_ns(start_s, stop_s))
        rows = placed.element if placed.row is None else placed.row
        found = pictures(self.recording, stream, rows)
        yield from zip(placed.time_ns.tolist(), found, strict=True)

    def resample(
        self,
        source: str | StreamData,
        onto: str | StreamData | NDArray[np.int64],
        method: Method = "auto",
        *,
        max_gap_s: float | None = None,
        width_s: float | None = None,
        start_s: float | None = None,
        stop_s: float | None = None,
    ) -> StreamData:
        """Return the values that a stream has at other times.

        ``linear`` interpolates between two elements. What the stream has above half of
        the rate of the times is folded into the result: for going up.

        ``mean`` averages the line through the elements over an interval around each
        time, as long as the times are apart; every element counts by the time that
        it stands for. That is the low-pass that keeps a faster stream from being
        folded: a tone of f, at times that come with a rate r, is left with
        sin(πf/r) / (πf/r) of its size, which is 0.64 at r/2, 0.11 at 0.9 r, 0 at every
        multiple of r, and at most 0.22 above r. It is not sharp: what lies between r/2
        and r is made smaller, and folded. Where that matters, filter first, and
        resample what you have filtered.

        ``nearest`` and ``previous`` take an element as it is.

        ``auto`` is the mean where two elements or more would become one, linear
        otherwise, and nearest for what cannot be averaged: events, rows, frame IDs.

        Nothing is made up: no value is given across a gap (elements lost, or farther
        apart than `max_gap_s`), before the first element and after the last one. There
        `present` is False and the values are NaN. The nearest element may be half of
        `max_gap_s` away, the previous one all of it; a mean needs all of its interval.

        Parameters
        ----------
        source
            A stream's name, or what `read` and `events` gave, as it is or changed.
        onto
            A stream's name, its data, or session times in ns: integer (m,), rising.
        method
            How; see above.
        max_gap_s
            Longest time between two elements that is no gap: by default 1.5 nominal
            periods; for streams without a rate there is no limit.
        width_s
            Length of the interval of a mean; by default as far as the times are apart.
        start_s, stop_s
            Window of the times.

        Returns
        -------
        StreamData
            m elements. Each `sd_ns` is of the time between
            what the value says and when it is wanted: that of the time and that of the
            element together, as if they were independent. If both streams are stamped
            by one clock it is smaller in truth.

        Raises
        ------
        SessionError
            If there is no such stream, or it cannot be taken that way.
        """
        target = self._source.target(onto, *_window_ns(start_s, stop_s))
        if isinstance(source, StreamData):
            take = source.between
        else:
            take = partial(self._source.window, source)
            target = replace(target, same=isinstance(onto, str) and onto == source)
        return take_at(take, target, method, max_gap_s, width_s)

    def to_xarray(
        self,
        source: str | StreamData,
        start_s: float | None = None,
        stop_s: float | None = None,
    ) -> Dataset:
        """Return a stream as an `xarray.Dataset` over time (s).

        Poses are in the layout of `movement`; see `offline.session.xarrays`.

        Raises
        ------
        SpringhareError
            If xarray is not installed.
        """
        data = self._source.data(source, *_window_ns(start_s, stop_s))
        return to_xarray(data, self.recording.info, self.alignment.reference)

    def to_pynapple(
        self,
        source: str | StreamData,
        start_s: float | None = None,
        stop_s: float | None = None,
        max_gap_s: float | None = None,
    ) -> Any:
        """Return a stream as an object of pynapple whose support leaves the gaps out.

        Signals are a TsdFrame, poses a TsdTensor, frame IDs a Tsd; a device's events
        are a TsGroup by line and edge, what `events` gave is a Ts, and so is all else.

        Raises
        ------
        SpringhareError
            If pynapple is not installed.
        """
        data = self._source.data(source, *_window_ns(start_s, stop_s))
        grouped = isinstance(source, str) and data.info.kind == "events"
        return to_pynapple(data, max_gap_s, grouped=grouped)

    def close(self) -> None:
        """Close the files; may be called twice."""
        self._source.close()
        self.recording.close()

    def __enter__(self) -> Session:
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _window_ns(
    start_s: float | None, stop_s: float | None
) -> tuple[int | None, int | None]:
    for limit in (start_s, stop_s):
        if limit is not None and not isfinite(limit):
            msg = f"Expected a window in seconds, got {limit}: None is no limit"
            raise SessionError(msg)
    if start_s is not None and stop_s is not None and start_s > stop_s:
        msg = f"Expected a window that begins first, got {start_s} s to {stop_s} s"
        raise SessionError(msg)
    start_ns, stop_ns = (
        None if limit is None else round(limit * NS_PER_S)
        for limit in (start_s, stop_s)
    )
    return start_ns, stop_ns
