"""Sessions of the simulated mouse, decided on as a node does: turn by turn.

No network looks: poses are where the body is, with some noise, marked ones and jumps.
The loop is written here once more, by hand, so that replay has something to be held
against; its times, its waits and its late views are those of one busy node.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from inference.by_hand import HandInputs, by_hand
from inference.features.window import Recipe, SignalWindow
from inference.outlets import POINTS, declare
from inference.rules import Feature
from inference.setup import setup_step
from inference.step import (
    SignalInputs,
    StepInputs,
    begin,
    foresee,
    heard,
    overdue,
    step,
)
from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.geometry import project
from rig.messages import (
    Acknowledgement,
    ClockRecord,
    FeatureValue,
    Frame,
    NodeEvent,
    PayloadSpec,
    StreamSpec,
    to_row,
)
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs, SessionInfo
from rig.recording.writer import SessionWriter
from rig.sim.cameras import cameras_for
from rig.sim.world import BODY_PARTS, World

START_NS = 5_000_000_000_000
EPOCH_NS = START_NS + 300_000_000
BOARD_NS = 100_000_000_000
"""What the board's clock is ahead of the host's."""
PERIOD_NS, BLOCK = 10_000_000, 10
MS = 1_000_000
CAMERAS = cameras_for("jump", 2)
WORLD = World(1, "jump", 4.0)
KEPT = {}
"""Sessions that several tests read, by name."""


def rig():
    """Two calibrated cameras and a force plate."""
    trigger = {"mode": "hardware", "source": "daq"}
    cameras = {
        camera.name: {
            "kind": "basler",
            "serial": camera.name,
            "width_px": 640,
            "height_px": 480,
            "trigger": trigger,
            "calibration": {
                "focal_px": camera.focal_px,
                "centre_px": camera.centre_px,
                "distortion": camera.distortion,
                "rotation_rad": tuple(camera.rotation_rad),
                "translation_mm": tuple(camera.translation_mm),
            },
        }
        for camera in CAMERAS
    }
    lines = {"laser": {"pin": 1, "max_width_us": 50000, "max_rate_hz": 40}}
    daq = {
        "kind": "harp",
        "port": "/dev/null",
        "force_plate": {"rate_hz": 1000, "channels": ["Fx", "Fz"]},
        "camera_trigger": {"rate_hz": 100},
        "actuator": {"lines": lines},
    }
    return {
        "format": "springhare-rig/1",
        "name": "bench",
        "data_root": "data",
        "devices": {**cameras, "daq": daq},
    }


def picture(camera, frame_id):
    """A frame, which says in its pixels which one it is."""
    pixels = np.zeros((4, 4), np.uint8)
    pixels[0, :3] = camera == "right", *divmod(frame_id, 256)
    return pixels


@dataclass
class Live:
    """A session and how it went; a test changes it before it is written."""

    task: dict
    seconds: float = 6.2
    seed: int = 1
    noise_px: float = 0.4
    unsure: float = 0.0
    """Of the poses are unlikely, and as many jump."""
    lost: float = 0.0
    """Of the right camera's frames never come."""
    disarmed_s: tuple[float, float] = (0.0, 0.0)
    pulses_s: tuple[float, ...] = ()
    """Then somebody asks for a pulse by hand."""
    died_s: float | None = None
    """Then the node dies, and begins anew."""
    extra: dict = field(default_factory=dict)
    """Of the session file."""
    bodyparts: tuple[str, ...] = BODY_PARTS
    answered: bool = True
    network: dict = field(default_factory=dict)
    """What is said of it beside the poses."""

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self.world = WORLD
        self.rows = {}
        """Records by stream, with their payload."""

    def write(self, folder):
        self.config = TaskConfig.model_validate(self.task)
        self.rig = RigConfig.model_validate(rig())
        self.setup = setup_step(
            self.config, self.config.inference, self.bodyparts, self.rig
        )
        self._signals()
        self._frames()
        self._loop()
        self._write(folder)
        return folder

    def world_s(self, host_ns):
        return (np.asarray(host_ns) - EPOCH_NS) / 1e9

    def host_ns(self, world_s):
        """Host times of something that happens once a period, within the session."""
        times = EPOCH_NS + np.rint((world_s + 4.0 * np.arange(20)) * 1e9)
        return times[times < START_NS + self.seconds * 1e9].astype(np.int64)

    def _frames(self):
        count = int(self.seconds * 1e9) // PERIOD_NS - 60
        exposed = EPOCH_NS + 100 * MS + np.arange(count) * PERIOD_NS
        body = self.world.keypoints_mm(self.world_s(exposed))
        order = [BODY_PARTS.index(name) for name in self.bodyparts]
        self.arrivals = []
        for camera in CAMERAS:
            points = project(camera, body)[:, order]
            points = points + self.rng.normal(0, self.noise_px, points.shape)
            sure = self.rng.uniform(0.9, 1.0, points.shape[:2])
            odd = self.rng.random(points.shape[:2])
            sure[odd < self.unsure] = 0.1
            points[odd > 1 - self.unsure] += 250
            pose = np.concatenate([points, sure[..., None]], axis=2).astype(np.float32)
            lost = self.rng.random(count) < self.lost * (camera.name == "right")
            for k in np.flatnonzero(~lost).tolist():
                late_ns = int(self.rng.exponential(3 * MS))
                at_ns = int(exposed[k]) + 2 * MS + late_ns
                frame = SimpleNamespace(
                    seq=0, host_ns=at_ns, frame_id=k, exposure_ns=int(exposed[k])
                )
                self.arrivals.append((at_ns, camera.name, frame, pose[k]))
        self.arrivals = deque(sorted(self.arrivals, key=lambda each: each[0]))
        seqs = {camera.name: 0 for camera in CAMERAS}
        for _, camera, frame, _ in self.arrivals:
            frame.seq = seqs[camera]
            seqs[camera] += 1
            row = Frame(device_ns=0, **vars(frame))
            self._note(f"cameras/{camera}", row, picture(camera, frame.frame_id))

    def _signals(self):
        """Blocks of samples."""
        count = int(self.seconds * 1000 - 400) // BLOCK * BLOCK
        times = EPOCH_NS + np.arange(count) * MS
        force = self.world.forces(self.world_s(times))[:, [0, 2]]
        counts = np.rint(force / 0.5).astype(np.int16).reshape(-1, BLOCK, 2)
        self.blocks = deque()
        for k, block in enumerate(counts):
            last_ns = int(times[k * BLOCK + BLOCK - 1])
            at_ns = last_ns + 500_000 + int(self.rng.exponential(300_000))
            if self.blocks:
                at_ns = max(at_ns, self.blocks[-1][0] + 1)
            self.blocks.append((at_ns, last_ns, k * BLOCK, block))

    def _note(self, stream, record, payload=None):
        self.rows.setdefault(stream, []).append((record, payload))

    def _loop(self):
        self.t = START_NS + 1000
        self._begin()
        while self.t < START_NS + self.seconds * 1e9:
            died_ns = START_NS + (self.died_s or 1e6) * 1e9
            if self.died_s is not None and self.t > died_ns:
                self.died_s = None
                self._begin()
            if not self._turn():
                break

    def _begin(self):
        self.t += MS
        event = NodeEvent(host_ns=self.t, node="inference", state="running", detail="")
        self._note("node_events", event)
        decided = len(self.rows.get("decisions", ()))
        self.state = begin(self.setup, decided, len(self.rows.get(POINTS, ())))
        features = self.config.features.items()
        self.recipes = {
            name: Recipe.of(config, ["Fx", "Fz"], 1000.0) for name, config in features
        }
        self.window = SignalWindow([0.5, 0.5], 2000)
        self.features = {}
        self.number = -1
        self.news = False

    def _turn(self):
        """One turn of the node; False where nothing comes any more."""
        waiting = bool(self.arrivals) and self.arrivals[0][0] <= self.t
        self._by_hand()
        if not waiting:
            views = self.state.views
            times = [each[0][0] for each in (self.arrivals, self.blocks) if each]
            times += [views.deadline_ns] if views and views.deadline_ns else []
            if not times:
                return False
            self.t = max(self.t, min(times))
        if waiting:
            self._look(self.arrivals.popleft())
        self._listen()
        if self.news and any(rule.source == "" for rule in self.config.rules):
            self.news = False
            self.state, decisions = heard(self._inputs(), self.state, self.setup)
            self._decided(decisions)
        views = self.state.views
        if views is not None and (views.deadline_ns or self.t + 1) <= self.t:
            self.state, points, decisions = overdue(
                self._inputs(), self.state, self.setup
            )
            self._decided(decisions)
            self._placed(points)
        return True

    def _by_hand(self):
        """Do what was asked between two turns."""
        while self.pulses_s and START_NS + self.pulses_s[0] * 1e9 <= self.t:
            self.t += 30_000
            asked = HandInputs(
                now_ns=self.t,
                armed=self._armed(),
                by="a müller",
                line="laser",
                pulse_width_us=500,
                pulse_count=1,
                pulse_period_us=0,
            )
            self.pulses_s = self.pulses_s[1:]
            self.state, decision = by_hand(asked, self.state)
            self._decided([decision])

    def _listen(self):
        while self.blocks and self.blocks[0][0] <= self.t:
            _, last_ns, first, counts = self.blocks[0]
            row = SimpleNamespace(host_ns=self.blocks[0][0], last_ns=last_ns)
            self._note("signals", row, counts)
            clock = ClockRecord(
                host_ns=row.host_ns,
                device_ns=last_ns + BOARD_NS,
                offset_ns=-BOARD_NS,
                skew_ppb=0.0,
                sd_ns=1000,
            )
            self._note("clocks/daq", clock)
            self.window.append(counts, first)
            self.number = first + BLOCK - 1
            self.features = {
                name: Feature(recipe.value(self.window.samples), last_ns)
                for name, recipe in self.recipes.items()
            }
            self.blocks.popleft()
            self.news = True

    def _look(self, taken):
        _, camera, frame, pose = taken
        dequeued_ns = self.t
        self.t += int(self.rng.uniform(1.5 * MS, 4 * MS))
        inferred_ns = self.t
        self._listen()
        features = self._heard()
        poses = self.rows.get(f"poses/{camera}", ())
        shown = pose + np.float32(1) if self.config.inference.processor else None
        inputs = StepInputs.of_frame(
            camera,
            frame,
            pose_seq=len(poses),
            dequeued_ns=dequeued_ns,
            inferred_ns=inferred_ns,
            now_ns=self.t,
            armed=self._armed(),
            latency_ns=3 * MS + 1000 * (len(poses) % 7),
            features=features,
            shown=shown,
        )
        result = foresee(step(pose, inputs, self.state, self.setup), inputs, self.setup)
        self.state = result.state
        self._note(f"poses/{camera}", result.pose, result.keypoints)
        self._decided(result.decisions)
        self._placed(result.points)
        estimate = result.followed.estimate()
        self._note(f"estimates/{camera}", result.estimate, estimate)

    def _inputs(self):
        features = self._heard()
        return SignalInputs(self.t, self._armed(), features)

    def _heard(self):
        """The features, noted as used now; each time is a later one."""
        self.t += 20_000
        for name, feature in self.features.items():
            value = FeatureValue(
                host_ns=self.t,
                feature=name,
                value=feature.value,
                at_ns=feature.at_ns,
                device_sample=self.number,
            )
            self._note("features", value)
        return self.features

    def _armed(self):
        first, last = self.disarmed_s
        return not first <= (self.t - START_NS) / 1e9 < last

    def _decided(self, decisions):
        for decision in decisions:
            self._note("decisions", decision)
            if decision.outcome == "fired" and self.answered:
                edge_ns = decision.host_ns + 1_200_000
                answer = Acknowledgement(
                    host_ns=edge_ns + MS,
                    decision_id=decision.decision_id,
                    sent_ns=decision.host_ns + 500_000,
                    edge_device_ns=edge_ns,
                    edge_host_ns=edge_ns,
                    line="laser",
                    status="done",
                    age_ns=decision.age_ns,
                )
                self._note("acknowledgements", answer)

    def _placed(self, points):
        for each in points:
            self._note(POINTS, each.record, each.points)

    def _write(self, folder):
        specs = {spec.name: spec for spec in self._specs()}
        info = SessionInfo(
            session_id=folder.name,
            subject="m1",
            task="bench",
            started_utc="2026-01-02T10:00:00+00:00",
            started_host_ns=START_NS,
            configs=Configs(
                rig=self.rig.model_dump(mode="json"),
                task=self.config.model_dump(mode="json"),
                session={"simulate": True, "seed": 1, "slow": 1.0, **self.extra},
            ),
        )
        with SessionWriter.create(folder, info, specs.values(), 20) as writer:
            self._write_signals(writer, specs["signals/daq/force_plate"])
            for name, spec in specs.items():
                self._append(writer, spec, self.rows.get(name, ()))
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger)
        truth = {"epoch_ns": EPOCH_NS, "slow": 1.0, "boards": {}}
        (folder / "truth.json").write_text(json.dumps(truth))

    def _specs(self):
        attributes = {"bodyparts": list(self.bodyparts), "model": "m", **self.network}
        cameras = self.config.inference.cameras
        yield from declare(
            "inference", cameras, self.bodyparts, attributes, self.config, self.setup
        )
        for camera in CAMERAS:
            yield StreamSpec(
                name=f"cameras/{camera.name}",
                kind="frames",
                node=camera.name,
                payload=PayloadSpec("|u1", (4, 4)),
                rate_hz=100,
            )
        told = {"channels": ["Fx", "Fz"], "units": ["mN"] * 2, "scale": [0.5] * 2}
        yield StreamSpec(
            name="signals/daq/force_plate",
            kind="samples",
            node="daq",
            payload=PayloadSpec("<i2", (BLOCK, 2)),
            rate_hz=1000 / BLOCK,
            attributes=told,
        )
        yield StreamSpec(name="clocks/daq", kind="clocks", node="daq")
        for kind in ("acknowledgements", "node_events"):
            yield StreamSpec(name=kind, kind=kind, node="daq")

    def _write_signals(self, writer, spec):
        kept = self.rows.pop("signals", [])
        rows = np.zeros(len(kept), spec.row)
        rows["seq"] = np.arange(len(kept))
        rows["host_ns"] = [row.host_ns for row, _ in kept]
        first_ns = BOARD_NS - (BLOCK - 1) * MS
        rows["device_ns"] = [row.last_ns + first_ns for row, _ in kept]
        rows["count"] = BLOCK
        rows["first_sample"] = rows["device_sample"] = rows["seq"] * BLOCK
        writer.append_block(spec.name, rows, np.stack([counts for _, counts in kept]))

    def _append(self, writer, spec, kept):
        if not kept:
            return
        rows = np.array([to_row(record) for record, _ in kept], spec.row)
        rows["seq"] = np.arange(len(rows))
        payload = np.stack([made for _, made in kept]) if spec.payload else None
        writer.append_block(spec.name, rows, payload)
