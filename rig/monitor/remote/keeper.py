"""What `springhare serve` tells other machines of a session, and what it keeps back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from pydantic import ValidationError

from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.errors import StreamError
from rig.monitor.remote.standing import encode_info, encode_standing, standing_of
from rig.monitor.remote.veil import veiled
from rig.supervisor.blinding import Blind, blind_of
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.bus.remote_messages import About
    from rig.monitor.live.link import Link
    from rig.recording.sidecar import SessionInfo
    from sync.clock import Clock

__all__ = ["SessionKeeper"]

_READ_EVERY_NS = 2_000_000_000
"""What the session is hardly changes."""
_ASKED_LATELY_NS = 2_000_000_000
_TOLD_NS = 1_000_000_000
_MAY_TELL = ("decisions", "acknowledgements", "events/", "node_events")
"""Streams of which some may tell shams from fires."""


class SessionKeeper:
    """Tells of a session through a link to it; a `rig.bus.keeper.Keeper`.

    The supervisor is asked only while somebody asks here.

    Parameters
    ----------
    link
        The session, on this machine.
    unblind
        Whether shams may be told from fires.
    clock
        Host clock.
    """

    def __init__(
        self, link: Link, *, unblind: bool = False, clock: Clock | None = None
    ) -> None:
        self._link = link
        self._unblind = unblind
        self._clock = clock or MonotonicClock()
        self._info: SessionInfo | None = None
        self._encoded = b""
        self._read_ns: int | None = None
        self._asked_ns: int | None = None
        self._ended_ns: int | None = None
        self._blind: Blind | None = None

    def poll(self) -> None:
        """Ask the supervisor how it stands, now and then, while somebody cares."""
        if self.asked:
            self._link.poll()

    @property
    def asked(self) -> bool:
        """Whether somebody asked lately how it stands."""
        since = self._asked_ns
        return since is not None and self._clock.now() - since < _ASKED_LATELY_NS

    @property
    def told(self) -> bool:
        """Whether those who ask know by now that the session has ended."""
        since = self._ended_ns
        return since is not None and self._clock.now() - since > _TOLD_NS

    def about(self, what: About) -> bytes:
        """Return what the session is, or how it stands, as bytes.

        Raises
        ------
        StreamError
            If the session's description cannot be read.
        """
        if what == "session":
            self._look()
            return self._encoded
        self._asked_ns = self._clock.now()
        standing = standing_of(self._link)
        if self._ended_ns is None and standing.verdict is not None:
            self._ended_ns = self._asked_ns
        self._look()
        if self._blind is not None and standing.status is not None:
            status = self._blind.status(standing.status)
            standing = msgspec.structs.replace(standing, status=status)
        return encode_standing(standing)

    def refusal(self, stream: str) -> str:
        """Return why a stream is not served; empty for one that is."""
        if self._unblind or not stream.startswith(_MAY_TELL):
            return ""
        self._look()
        if self._info is None:
            return (
                f"Expected to know whether the task has shams before {stream} is "
                "served, got no description of the session yet: ask again in a moment"
            )
        if self._blind is None or stream not in self._blind.streams:
            return ""
        return (
            f"Expected a stream that does not tell shams from fires, got {stream}: it "
            "is in the session's file, or serve with springhare serve --unblind"
        )

    def veil(self, stream: str, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return rows as they may be seen."""
        return rows if self._blind is None else veiled(stream, rows, self._blind)

    def _look(self) -> None:
        """Read what the session is, if that was long ago."""
        now_ns = self._clock.now()
        unknown = self._info is None
        wait_ns = _READ_EVERY_NS // 8 if unknown else _READ_EVERY_NS
        if self._read_ns is not None and now_ns - self._read_ns < wait_ns:
            return
        self._read_ns = now_ns
        try:
            info = self._link.info()
        except OSError as error:
            msg = f"Expected the session's description, got: {error}"
            raise StreamError(msg) from error
        if info is not None:
            self._blind = _blind(info, unblind=self._unblind)
            self._info, self._encoded = info, encode_info(info)


def _blind(info: SessionInfo, *, unblind: bool) -> Blind | None:
    """Return what hides the shams of a session's task; None where there are none."""
    configs = info.configs
    if unblind or not configs.rig:
        return None
    try:
        rig = RigConfig.model_validate(configs.rig)
        task = TaskConfig.model_validate(configs.task) if configs.task else None
    except ValidationError as error:
        msg = f"Expected the session's configs to be of this version, got: {error}"
        raise StreamError(msg) from error
    return blind_of(rig, task, unblind=False)
