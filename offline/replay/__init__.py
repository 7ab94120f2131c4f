"""A recorded session through `inference.step` again, without a network.

`recorded_session` reads what a session holds for it, `play` gives what a task decides
on it, `sameness` says whether that is what was decided then.
"""

from __future__ import annotations

from offline.replay.compare import Sameness, sameness
from offline.replay.play import Replay, play
from offline.replay.player import Played
from offline.replay.recorded import RecordedPoses, RecordedSession, recorded_session

__all__ = [
    "Played",
    "RecordedPoses",
    "RecordedSession",
    "Replay",
    "Sameness",
    "play",
    "recorded_session",
    "sameness",
]
