"""What a terminal knows of a session that it looks at: no pictures, no traces."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rig.errors import SpringhareError
from rig.monitor.health import Health
from rig.monitor.health.judgement import session_light
from rig.monitor.health.watcher import Watcher
from rig.monitor.live.attaching import PHASES_WITH_STREAMS
from rig.monitor.shown import shown_of

if TYPE_CHECKING:
    from rig.bus.reader import StreamReader
    from rig.monitor.live.link import Link
    from rig.recording.sidecar import Verdict
    from rig.supervisor.status import Status

__all__ = ["Attached"]

_KINDS = frozenset({"node_events", "losses"})
_MOST_ROWS = 512


class Attached:
    """Looks at a session through a link, and judges how it stands.

    Parameters
    ----------
    link
        The session; closed by `close`.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._watcher: Watcher | None = None
        self._readers: dict[str, StreamReader] = {}
        self._kinds: dict[str, str] = {}

    @property
    def status(self) -> Status | None:
        """The session at a glance; None before anything was heard."""
        return self.link.status

    @property
    def health(self) -> Health:
        """How it stands."""
        if self._watcher is not None:
            return self._watcher.health
        link = self.link
        light = session_light(
            link.status,
            silent_s=link.silent_s,
            gone=link.gone,
            verdict=link.verdict,
            trouble=link.trouble,
        )
        return Health([light])

    @property
    def verdict(self) -> Verdict | None:
        """What the session was worth; None until it has been closed."""
        return self.link.verdict

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self.link.gone or self.link.verdict is not None

    def poll(self) -> None:
        """Take in what is new."""
        self.link.poll()
        if self._watcher is None:
            # one that ends at this moment takes its streams along
            with suppress(SpringhareError, OSError):
                self._attach()
        if self._watcher is None:
            return
        for name, reader in self._readers.items():
            rows = reader.read(_MOST_ROWS).rows
            if self._kinds[name] == "losses":
                self._watcher.lost(rows)
            else:
                self._watcher.heard(rows)
        self._watcher.look(
            self.link.status,
            silent_s=self.link.silent_s,
            gone=self.link.gone,
            verdict=self.link.verdict,
            trouble=self.link.trouble,
        )

    def close(self) -> None:
        """Let go; may be called twice."""
        self.link.close()

    def _attach(self) -> None:
        status = self.link.status
        if status is None or status.phase not in PHASES_WITH_STREAMS:
            return
        info, specs = self.link.info(), self.link.specs()
        if info is None:
            return
        self._kinds = {s.name: s.kind for s in specs if s.kind in _KINDS}
        self._readers = {name: self.link.reader(name, 0) for name in self._kinds}
        self._watcher = Watcher(shown_of(info, specs))
