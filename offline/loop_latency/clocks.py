"""Exposures and edges on the host's clock, with what the crossing leaves open.

Where a session was aligned, they are placed by that: on one clock, without the host
in between, and only then brought to the host's, where all other stamps are. Else they
are taken as they were mapped live, with the error that was stated then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from offline.alignment.layout import ALIGNED_FILE
from offline.alignment.recorded import HOST
from offline.alignment.result import NO_TIME
from offline.session.opening import open_alignment
from rig.errors import SessionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.session.stored import Stored
    from rig.recording.reader import Recording

__all__ = ["AlignedClocks", "Clocks", "LiveClocks", "Mapped", "clocks_of"]

_BY_HOST = {"decisions", "losses", "clocks", "node_events"}
"""Kinds of streams that an alignment places by the host's clock."""
_LEAST_PAIRS = 2


_TELLING = 0.01
"""Least part of a variance that can be told from the rest of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """Moments (n,) on the host's clock; NaN where an error is not known."""

    at_ns: NDArray[np.int64]
    sd_ns: NDArray[np.float64]
    """Of the moment against the host's clock."""
    own_sd_ns: NDArray[np.float64]
    """Of it against another such moment, where the host is not in between."""


class Clocks(Protocol):
    """Where exposures and edges lie on the host's clock."""

    @property
    def how(self) -> Literal["aligned", "live"]:
        """By what they are mapped."""
        ...

    def exposures(self, camera: str, poses: NDArray[np.void]) -> Mapped:
        """Return the middles of the exposures of poses (n,)."""
        ...

    def edges(self, answers: NDArray[np.void]) -> Mapped:
        """Return the edges of acknowledgements (n,)."""
        ...


class LiveClocks:
    """As it was mapped while the session ran; the error is that of ``/clocks``."""

    how: Literal["aligned", "live"] = "live"

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def exposures(self, camera: str, poses: NDArray[np.void]) -> Mapped:
        """Return the middles of the exposures, as the camera's node mapped them."""
        stream = f"cameras/{camera}"
        at_ns = poses["exposure_ns"].astype(np.int64)
        return self._mapped(stream, at_ns)

    def edges(self, answers: NDArray[np.void]) -> Mapped:
        """Return the edges, as the board's node mapped them."""
        return self._mapped(
            "acknowledgements", answers["edge_host_ns"].astype(np.int64)
        )

    def _mapped(self, stream: str, at_ns: NDArray[np.int64]) -> Mapped:
        streams = self._recording.streams
        node = streams[stream].node if stream in streams else ""
        sd_ns = np.full(len(at_ns), np.nan)
        if f"clocks/{node}" in streams:
            rows = self._recording.rows(f"clocks/{node}")
            if len(rows):
                newest = np.searchsorted(rows["host_ns"], at_ns, side="right") - 1
                sd_ns = rows["sd_ns"][np.maximum(newest, 0)].astype(np.float64)
        return Mapped(at_ns, sd_ns, sd_ns)


class AlignedClocks:
    """As ``springhare align`` has found it.

    Parameters
    ----------
    recording
        Of the session.
    stored
        Its times; open until `close`.

    Raises
    ------
    SessionError
        If the alignment does not say where the host's clock is.
    """

    how: Literal["aligned", "live"] = "aligned"

    def __init__(self, recording: Recording, stored: Stored) -> None:
        self._recording = recording
        self._stored = stored
        self._live = LiveClocks(recording)
        self._known = set(stored.streams())
        self._session_ns, self._host_ns, self._host_sd_ns = self._host()

    def exposures(self, camera: str, poses: NDArray[np.void]) -> Mapped:
        """Return the middles of the exposures of all poses of a camera."""
        return self._mapped(f"poses/{camera}", self._live.exposures(camera, poses))

    def edges(self, answers: NDArray[np.void]) -> Mapped:
        """Return the edges of all acknowledgements."""
        return self._mapped("acknowledgements", self._live.edges(answers))

    def _mapped(self, stream: str, live: Mapped) -> Mapped:
        """Return a stream's times; those that have none as they were live."""
        if stream not in self._known:
            return live
        times_ns, own_sd_ns = self._times(stream, len(live.at_ns))
        timed = times_ns != NO_TIME
        at = times_ns[timed]
        at_ns, sd_ns = live.at_ns.copy(), live.sd_ns.copy()
        at_ns[timed] = at + self._offset(at)
        host = np.interp(at, self._session_ns, self._host_sd_ns)
        own = own_sd_ns[timed]
        if HOST in self._stored.attributes_of(stream).get("path", ()):
            # its way to the session goes by the host: the part after that drops out.
            # Where it is nearly all there is, the difference of the two tells nothing:
            # then the error stands that was known live
            before = own**2 - host**2
            told = (before > _TELLING * own**2) | ~np.isfinite(live.sd_ns[timed])
            alone = np.sqrt(np.maximum(before, 0.0))
            sd_ns[timed] = np.where(told, alone, live.sd_ns[timed])
        else:
            sd_ns[timed] = np.hypot(own, host)
        return Mapped(at_ns, sd_ns, np.where(timed, own_sd_ns, live.own_sd_ns))

    def _times(
        self, stream: str, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return times and errors in the order of the recording."""
        placed = self._stored.window(stream)
        times_ns = np.full(count, NO_TIME, np.int64)
        sd_ns = np.full(count, np.nan)
        times_ns[placed.element] = placed.time_ns
        sd_ns[placed.element] = placed.sd_ns
        return times_ns, sd_ns

    def _host(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return pairs of session time and host time, with their errors, in order."""
        errors: list[NDArray[np.float64]] = []
        session: list[NDArray[np.int64]] = []
        host: list[NDArray[np.int64]] = []
        for name, spec in self._recording.streams.items():
            if spec.kind not in _BY_HOST or name not in self._known:
                continue
            rows = self._recording.rows(name)
            times_ns, sd_ns = self._times(name, len(rows))
            timed = times_ns != NO_TIME
            session.append(times_ns[timed])
            host.append(rows["host_ns"][timed].astype(np.int64))
            errors.append(sd_ns[timed])
        if sum(map(len, session)) < _LEAST_PAIRS:
            msg = (
                f"Expected the host's clock in {ALIGNED_FILE}, got an alignment "
                "without it"
            )
            raise SessionError(msg)
        session_ns = np.concatenate(session)
        order = np.argsort(session_ns, kind="stable")
        return (
            session_ns[order],
            np.concatenate(host)[order],
            np.concatenate(errors)[order],
        )

    def _offset(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return host time minus session time, between where it is known."""
        offset_ns = self._host_ns - self._session_ns
        origin = int(offset_ns[0])  # floats hold small numbers exactly
        known = (offset_ns - origin).astype(np.float64)
        found = np.interp(at_ns, self._session_ns, known)
        return np.rint(found).astype(np.int64) + origin


def clocks_of(recording: Recording) -> tuple[Clocks, Stored | None, str]:
    """Return the best there is to map by.

    Returns
    -------
    tuple
        The clocks; the open file behind them, to be closed, if there is one; and why a
        session is not mapped by its alignment, empty where it is.
    """
    path = recording.folder / ALIGNED_FILE
    if not path.exists():
        return LiveClocks(recording), None, "it is not aligned"
    try:
        stored, _ = open_alignment(recording)
    except SessionError as error:
        return LiveClocks(recording), None, str(error)
    try:
        return AlignedClocks(recording, stored), stored, ""
    except SessionError as error:
        stored.close()
        return LiveClocks(recording), None, str(error)
    except BaseException:
        stored.close()
        raise
