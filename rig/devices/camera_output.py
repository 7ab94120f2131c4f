"""What a camera's node writes: frames, every loss with its cause, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rig.devices.clock_rows import PATIENCE_NS, clock_row
from rig.messages import Loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.bus.directory import StreamDirectory, StreamWriter
    from rig.devices.clock_rows import Exchange
    from rig.messages import Frame
    from sync.clock import Clock
    from sync.online import ClockState

__all__ = ["CameraOutput", "LossCounter"]

_MERGE_NS = 250_000_000

LossCounter = Literal[
    "failed_grabs", "missing_ids", "skipped_images", "triggers_ignored"
]
"""The counters that count something lost."""


@dataclass(slots=True)
class _Open:
    """A loss that goes on: what of it was not written yet."""

    written_ns: int | None
    stage: str
    first_id: int
    count: int

    def is_due(self, now_ns: int) -> bool:
        return self.written_ns is None or now_ns - self.written_ns > _MERGE_NS


class CameraOutput:
    """The streams of one camera.

    A counter counts at once. Losses of one cause that follow one another closely
    become one row a quarter of a second, so that a camera that is unplugged does
    not fill the stream.

    Parameters
    ----------
    name
        The camera's.
    streams
        Where its rings are.
    clock
        Host clock.
    """

    def __init__(self, name: str, streams: StreamDirectory, clock: Clock) -> None:
        self._frames: StreamWriter = streams.writer(f"cameras/{name}")
        self._losses: StreamWriter = streams.writer(f"losses/{name}")
        clocks = f"clocks/{name}"
        self._clocks: StreamWriter | None = (
            streams.writer(clocks) if clocks in streams.names() else None
        )
        self._clock = clock
        self._clock_row_ns = 0
        self._open: dict[str, _Open] = {}

    @property
    def counters(self) -> dict[str, int]:
        """The counters as they stand."""
        return self._frames.counters

    @property
    def published(self) -> int:
        """Number of frames published so far."""
        return self._frames.seq

    def claim(self) -> NDArray[Any]:
        """Open the next frame's slot and return its pixels, to be filled."""
        return self._frames.claim()

    def publish(self, frame: Frame) -> int:
        """Publish the claimed slot with its row and return its number."""
        return self._frames.publish(frame)

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of something that is no loss."""
        self._frames.count(name, n)

    def lose(
        self,
        counter: LossCounter,
        count: int,
        cause: str,
        first_id: int,
        stage: Literal["device", "transport"] = "device",
    ) -> None:
        """Count what was lost, and say so with its cause.

        Parameters
        ----------
        counter
            The counter to which it adds.
        count
            How many.
        cause
            In words.
        first_id
            Number of the first one: a frame ID, or the `seq` of a trigger.
        stage
            Where they were lost.
        """
        if count <= 0:
            return
        self._frames.count(counter, count)
        goes_on = self._open.get(cause)
        if goes_on is None or not goes_on.count:
            written_ns = goes_on.written_ns if goes_on else None
            goes_on = self._open[cause] = _Open(written_ns, stage, first_id, 0)
        goes_on.count += count
        self.flush()

    def flush(self, *, now: bool = False) -> None:
        """Write the losses that have waited long enough; with `now`, all of them."""
        now_ns = self._clock.now()
        for cause, goes_on in self._open.items():
            if goes_on.count and (now or goes_on.is_due(now_ns)):
                self._write(goes_on, cause, now_ns)

    def clock(self, state: ClockState | None, exchange: Exchange | None = None) -> None:
        """Write how the camera's clock stands, if it has one and a row is due.

        An exchange is written at once; without any, there is a row now and then.
        """
        now_ns = self._clock.now()
        due = exchange is not None or now_ns >= self._clock_row_ns
        if self._clocks is None or state is None or not due:
            return
        self._clock_row_ns = now_ns + PATIENCE_NS
        self._clocks.append(clock_row(state, now_ns, exchange))

    def close(self) -> None:
        """Write what waits and close the streams; may be called twice."""
        self.flush(now=True)
        for writer in (self._frames, self._losses, self._clocks):
            if writer is not None:
                writer.close()

    def _write(self, goes_on: _Open, cause: str, now_ns: int) -> None:
        self._losses.append(
            Loss(
                host_ns=now_ns,
                stream=self._frames.spec.name,
                stage=goes_on.stage,
                first_id=goes_on.first_id,
                count=goes_on.count,
                cause=cause,
            )
        )
        goes_on.count = 0
        goes_on.written_ns = now_ns
