"""A session whose loop is known to the nanosecond.

Truth is on the host's clock. What was mapped live is off, as it is on a rig; what an
alignment finds must be the truth.
"""

import numpy as np
import pytest

from offline.alignment.layout import ALIGNED_FILE
from offline.alignment.pipeline import align
from offline.alignment.store import write_aligned
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.reader import Recording

DAQ_NS = 100_000_000_000
LIVE_EDGE_ERROR_NS = 80_000
WAIT_NS, DECIDE_NS, SEND_NS, BOARD_NS, ANSWER_NS = (
    400_000,
    50_000,
    800_000,
    200_000,
    300_000,
)
TASK = {"format": "springhare-task/1", "name": "t"}


def specs():
    made = [
        StreamSpec(
            name="poses/cam",
            kind="poses",
            node="inference",
            payload=PayloadSpec("<f4", (1, 3)),
            attributes={"bodyparts": ["hip"], "model": "m", "model_sha256": "ab"},
        ),
        StreamSpec(name="decisions", kind="decisions", node="inference"),
        StreamSpec(name="acknowledgements", kind="acknowledgements", node="daq"),
        StreamSpec(name="node_events", kind="node_events", node="supervisor"),
    ]
    return {spec.name: spec for spec in made}


def rows_of(spec, count, **columns):
    rows = np.zeros(count, spec.row)
    rows["seq"] = np.arange(count)
    for name, values in columns.items():
        rows[name] = values
    return rows


def ask_by_hand(decisions, which):
    """Make some decisions a person's."""
    for name, value in (("rule", b"by_hand"), ("camera", b""), ("pose_seq", -1)):
        decisions[name][which] = value
    decisions["exposure_ns"][which] = decisions["host_ns"][which]


@pytest.fixture(scope="session")
def loop_scene(scene):
    """Make a scene with a loop; `network_ns` of each pose is what a test says."""

    class LoopScene(scene):
        fire_every = 25
        suppress_every = 90
        skipped = (30, 31, 32, 77)
        """Frames that are not looked at."""
        unanswered = 0
        """So many of the last fired decisions made no edge."""
        late = 0
        """So many of the first were answered, with their edge, after their timeout."""

        by_hand = False
        """Whether the first fire was asked for by a person."""

        rule = b"jump"

        def fires(self, looked):
            """Say on which poses is fired, and on which it is held back."""
            at = np.arange(len(looked))
            fired = at % self.fire_every == self.fire_every - 1
            return at[fired], at[at % self.suppress_every == 2]

        def network_ns(self, count):
            rng = np.random.default_rng(self.seed + 3)
            return 5_000_000 + rng.integers(0, 2_000_000, count)

        def _specs(self):
            return {**super()._specs(), **specs()}

        def _write_frames(self, writer, spec):
            super()._write_frames(writer, spec)
            arrival = self.frames["host_ns"].astype(np.int64)
            made = specs()
            looked = np.setdiff1d(np.arange(len(arrival)), self.skipped)
            self.true_exposure_ns = self.middle_ns[looked]
            dequeued = arrival[looked] + WAIT_NS
            inferred = dequeued + self.network_ns(len(looked))
            published = inferred + DECIDE_NS
            poses = rows_of(
                made["poses/cam"],
                len(looked),
                host_ns=published,
                frame_seq=looked,
                frame_id=looked,
                exposure_ns=self.frames["exposure_ns"][looked],
                arrival_ns=arrival[looked],
                dequeued_ns=dequeued,
                inferred_ns=inferred,
            )
            keypoints = np.zeros((len(looked), 1, 3), np.float32)
            writer.append_block("poses/cam", poses, keypoints)
            self._write_decisions(writer, made, poses)

        def _write_decisions(self, writer, made, poses):
            fired, held = self.fires(poses["frame_seq"])
            which = np.sort(np.concatenate([fired, held]))
            mine = np.isin(which, fired)
            outcome = np.where(mine, b"fired", b"suppressed_refractory")
            decisions = rows_of(
                made["decisions"],
                len(which),
                host_ns=poses["host_ns"][which],
                decision_id=np.arange(len(which)),
                rule=self.rule,
                camera=b"cam",
                pose_seq=poses["seq"][which],
                outcome=outcome,
                exposure_ns=poses["exposure_ns"][which],
            )
            ask_by_hand(decisions, np.flatnonzero(mine)[: int(self.by_hand)])
            writer.append_block("decisions", decisions)
            sent = poses["host_ns"][fired] + SEND_NS
            edge = sent + BOARD_NS
            self.true_edge_ns = edge
            self.true_total_ns = edge - self.true_exposure_ns[fired]
            done = np.arange(len(fired)) < len(fired) - self.unanswered
            answers = rows_of(
                made["acknowledgements"],
                len(fired),
                host_ns=edge + ANSWER_NS,
                decision_id=decisions["decision_id"][mine],
                sent_ns=np.where(done, sent, -1),
                edge_device_ns=np.where(done, (edge + DAQ_NS) // 1000 * 1000, -1),
                edge_host_ns=np.where(done, edge + LIVE_EDGE_ERROR_NS, -1),
                status=np.where(done, b"done", b"stale"),
                line=b"laser",
            )
            writer.append_block("acknowledgements", self._with_timeouts(answers))
            events = rows_of(
                made["node_events"],
                1,
                host_ns=poses["host_ns"][0],
                node=b"inference",
                state=b"over_budget",
                detail=b"network p99 9.0 ms, budget 8 ms",
            )
            writer.append_block("node_events", events)

        def _with_timeouts(self, answers):
            both = answers[np.r_[: self.late, : len(answers)]]
            for name in ("edge_device_ns", "edge_host_ns"):
                both[name][: self.late] = -1
            both["status"][: self.late] = b"timeout"
            both["host_ns"] = np.maximum.accumulate(both["host_ns"])
            both["seq"] = np.arange(len(both))
            return both

    return LoopScene


@pytest.fixture(scope="session")
def truth(loop_scene, tmp_path_factory):
    """A scene, and the folder that it was written to."""
    made = loop_scene(seconds=12, jumps=False)
    folder = made.write(tmp_path_factory.mktemp("loop") / "m1" / "session")
    return made, folder


@pytest.fixture(scope="session")
def aligned(loop_scene, tmp_path_factory):
    """The same, aligned."""
    made = loop_scene(seconds=12, jumps=False)
    folder = made.write(tmp_path_factory.mktemp("aligned") / "m1" / "session")
    with Recording.open(folder) as recording:
        found = align(recording)
    write_aligned(folder / ALIGNED_FILE, found.alignment, found.streams, found.evidence)
    return made, folder


@pytest.fixture
def recording(truth):
    with Recording.open(truth[1]) as opened:
        yield opened


@pytest.fixture(scope="session")
def light_scene(loop_scene):
    """Make a scene whose loop answers the LED, as the loop test's rule does."""

    class LightScene(loop_scene):
        rule, skipped = b"light", ()
        asleep = ()
        """Rises that are not answered."""
        ghosts = ()
        """Poses that are fired on without light."""
        hurried = False
        """Whether most lights come sooner than may be fired again."""

        def fires(self, looked):
            half = 1_000_000
            middle = self.middle_ns[looked]
            on = self.line("sync").share(middle - half, middle + half) > 0.3
            rises = np.flatnonzero(on[1:] & ~on[:-1]) + 1
            self.rises = rises
            fired = np.delete(rises, self.asleep)
            held = np.empty(0, int)
            if self.hurried:
                held = np.delete(fired, np.s_[::4])
                fired = fired[::4]
            return np.union1d(fired, self.ghosts).astype(int), held

    return LightScene
