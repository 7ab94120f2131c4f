"""From what would have been decided to what was: one thing is made live after another.

Each stage is the session's rules through `inference.step` again. The first has the
offline pose of every frame at the moment of its exposure; the last is what was
recorded. A fire that is there in one stage and not in the next is lost by what differs
between the two, whatever else went wrong at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.setup import setup_step
from offline.parity.prompt import PromptHearing
from offline.replay.arming import armed_as_recorded
from offline.replay.given import hearing_of
from offline.replay.hearing import MadeHearing, Silence
from offline.replay.moments import moments
from offline.replay.player import Player
from offline.replay.recorded import RecordedPoses
from rig.messages import Decision, Pose, from_row, row_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.parity.sides import Sides
    from offline.replay import RecordedSession
    from offline.replay.arming import Armed
    from offline.replay.hearing import Hearing
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

__all__ = ["STAGES", "Decided", "Ladder"]

STAGES = ("ideal", "seen", "timed", "live", "recorded")
"""Offline poses of all frames at their exposure; only of those that were seen live; at
the times of the live poses; the live poses themselves; what was recorded."""


class Decided(NamedTuple):
    """A decision, and the frame that it was made on."""

    at_ns: int
    """Exposure of the frame."""
    frame: int
    """Its row in the recording; -1 where it is not there."""
    decision: Decision


@dataclass(frozen=True, slots=True)
class Ladder:
    """The stages of a camera's rules."""

    recording: Recording
    session: RecordedSession
    task: TaskConfig
    """Of the rules about this camera only: `task_of_camera`."""
    sides: Sides
    live_parts: tuple[str, ...]
    armed: Armed
    """As it was noted when it was changed."""

    def climb(self) -> dict[str, list[Decided]]:
        """Return what is decided in each stage.

        Raises
        ------
        ConfigError
            If the task does not fit the body parts of the offline model.
        SessionError
            If the session lacks a signal that the rules ask for.
        """
        sides = self.sides
        every = np.flatnonzero(sides.offline_place >= 0)
        seen = every[sides.seen[every]]
        known = sides.live_frame >= 0
        known[known] = sides.offline_place[sides.live_frame[known]] >= 0
        frames, prompt = sides.live_frame[known], self._prompt()
        offline = sides.offline.poses[sides.offline_place[frames]]
        live_hearing = hearing_of(self.recording, self.session, self.task)
        # what was decided tells exactly whether it was armed at that moment
        exactly = armed_as_recorded(self.session, self.task)
        parts, begins = sides.offline.bodyparts, self.session.begins_ns[1:]
        timed = _chosen(sides.live, known, offline)
        return {
            "ideal": self._played(self._at_exposure(every), every, parts, prompt),
            "seen": self._played(self._at_exposure(seen), seen, parts, prompt),
            "timed": self._played(timed, frames, parts, live_hearing, exactly, begins),
            "live": self._played(
                sides.live,
                sides.live_frame,
                self.live_parts,
                live_hearing,
                exactly,
                begins,
            ),
            "recorded": self._recorded(),
        }

    def _at_exposure(self, frames: NDArray[np.int64]) -> RecordedPoses:
        """Return offline poses of frames as if nothing took any time."""
        sides = self.sides
        rows = np.zeros(len(frames), row_dtype(Pose))
        at_ns = sides.exposure_ns[frames]
        for name in ("host_ns", "arrival_ns", "dequeued_ns", "inferred_ns"):
            rows[name] = at_ns
        rows["exposure_ns"] = at_ns
        rows["seq"] = np.arange(len(frames))
        rows["frame_seq"] = sides.frames["seq"][frames]
        rows["frame_id"] = sides.frames["frame_id"][frames]
        poses = sides.offline.poses[sides.offline_place[frames]]
        return RecordedPoses(rows, poses, poses, at_ns + self._spans_ns()[frames])

    def _spans_ns(self) -> NDArray[np.int64]:
        """Return (frames,) over what time each is predicted: what it was live.

        A rule on predicted places fires that much early, by its own wish: without
        delay it would not. Frames that were not seen have the median.
        """
        live, found = self.sides.live, self.sides.live_frame >= 0
        if live.at_ns is None or not found.any():
            return np.zeros(len(self.sides.frames), np.int64)
        span_ns = live.at_ns - live.rows["exposure_ns"]
        found &= live.at_ns >= 0
        usual = int(np.median(span_ns[found])) if found.any() else 0
        spans = np.full(len(self.sides.frames), usual, np.int64)
        spans[self.sides.live_frame[found]] = span_ns[found]
        return spans

    def _prompt(self) -> Hearing:
        if not self.task.features:
            return Silence()
        return PromptHearing(MadeHearing(self.task.features, self.recording))

    def _played(
        self,
        poses: RecordedPoses,
        frames: NDArray[np.int64],
        bodyparts: Sequence[str],
        hearing: Hearing,
        armed: Armed | None = None,
        begins_ns: Sequence[int] = (),
    ) -> list[Decided]:
        """Return what is decided on poses; `frames` are the rows of theirs."""
        inference = self.task.inference
        if inference is None or not len(poses.rows):
            return []
        config = setup_step(self.task, inference, bodyparts, self.session.rig)
        player = Player(config, armed or self.armed, asks_signals=False, own=False)
        course = moments(
            {self.sides.camera: poses},
            hearing,
            (),
            self.session.decisions[:0],
            landing_ns=None,
            processed=False,
        )
        begins = list(begins_ns)
        for moment in course:
            while begins and begins[0] <= moment.now_ns:
                del begins[0]
                player.begin()
            player.take(moment)
        return self._placed(player.played.decisions, poses.rows, frames)

    def _recorded(self) -> list[Decided]:
        names = {rule.name.encode() for rule in self.task.rules}
        rows = self.session.decisions
        mine = rows[np.isin(rows["rule"], list(names))]
        decisions = [from_row(Decision, row) for row in mine]
        return self._placed(decisions, self.sides.live.rows, self.sides.live_frame)

    def _placed(
        self,
        decisions: Sequence[Decision],
        rows: NDArray[np.void],
        frames: NDArray[np.int64],
    ) -> list[Decided]:
        place = {seq: k for k, seq in enumerate(rows["seq"].tolist())}
        found: list[Decided] = []
        for decision in decisions:
            k = place.get(decision.pose_seq, -1)
            frame = int(frames[k]) if k >= 0 else -1
            at_ns = int(rows["exposure_ns"][k]) if k >= 0 else decision.exposure_ns
            found.append(Decided(at_ns, frame, decision))
        return found


def _chosen(
    live: RecordedPoses, known: NDArray[np.bool_], keypoints: NDArray[np.float32]
) -> RecordedPoses:
    """Return other keypoints at the times of live poses."""
    at_ns = None if live.at_ns is None else live.at_ns[known]
    return RecordedPoses(live.rows[known], keypoints, keypoints, at_ns)
