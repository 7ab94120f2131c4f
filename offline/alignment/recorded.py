"""What a recording has for its alignment: stamps and edges, each clock in one row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from rig.config.rig import RigConfig
from rig.errors import SessionError
from rig.messages import EDGE_RISING
from sync.timeline import Timeline, timeline_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["HOST", "Edges", "Recorded"]

HOST = "host"
"""Name of the computer's clock."""
_STAMPED = {"frames", "samples", "events"}


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The edges of one line, in the order of recording."""

    time_ns: NDArray[np.int64]
    """(n,) on the board's timeline."""
    rising: NDArray[np.bool_]
    """(n,)"""
    seq: NDArray[np.int64]
    """(n,) their `seq` in the board's stream of events."""

    def going(self, *, up: bool) -> Edges:
        """Return those that go one way."""
        chosen = self.rising == up
        return Edges(self.time_ns[chosen], self.rising[chosen], self.seq[chosen])


class Recorded:
    """A recording, its rig, and its clocks.

    Parameters
    ----------
    recording
        Of a session that is closed, or was recovered.

    Raises
    ------
    SessionError
        If the session does not say what its rig was.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.info = recording.info
        self.rig = _rig(recording)
        self._rows: dict[str, NDArray[np.void]] = {}

    def rows(self, stream: str) -> NDArray[np.void]:
        """Return all rows of a stream."""
        if stream not in self._rows:
            self._rows[stream] = self.recording.rows(stream)
        return self._rows[stream]

    @cached_property
    def timelines(self) -> dict[str, Timeline]:
        """The timeline of each device's clock, by device."""
        streams: dict[str, list[Any]] = {}
        for name, spec in self.recording.streams.items():
            if spec.kind in _STAMPED and (len(rows := self.rows(name))):
                stamped = rows["device_ns"] >= 0
                pair = (rows["device_ns"][stamped], rows["host_ns"][stamped])
                streams.setdefault(spec.node, []).append(pair)
        return {device: timeline_of(found) for device, found in streams.items()}

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards that stamped anything."""
        return tuple(name for name in self.rig.harp_devices if name in self.timelines)

    def stamps(self, stream: str, field: str = "device_ns") -> NDArray[np.int64]:
        """Return the stamps of a stream's rows (n,) on its device's timeline.

        Parameters
        ----------
        stream
            Its name.
        field
            Which stamp.
        """
        device = self.recording.streams[stream].node
        rows = self.rows(stream)
        timeline = self.timelines.get(device)
        if timeline is None:
            return rows[field].astype(np.int64)
        return timeline.unfold(rows[field], rows["host_ns"])

    def edges(self, board: str, line: str) -> Edges:
        """Return the edges of one line; none where the board has recorded none."""
        stream = f"events/{board}"
        if stream not in self.recording.streams:
            none = np.empty(0, np.int64)
            return Edges(none, none.astype(bool), none)
        rows = self.rows(stream)
        chosen = rows["line"] == line.encode()
        return Edges(
            self.stamps(stream)[chosen],
            rows["edge"][chosen] == EDGE_RISING,
            rows["seq"][chosen].astype(np.int64),
        )


def _rig(recording: Recording) -> RigConfig:
    configs = recording.info.configs
    try:
        return RigConfig.model_validate(configs.rig)
    except ValidationError as error:
        first = error.errors()[0]
        msg = (
            f"Expected the rig file of {recording.folder} in its session.json, got one "
            f"that this version refuses: {'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}"
        )
        raise SessionError(msg) from error
