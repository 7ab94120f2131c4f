"""The truth of a simulated session: when the mouse did what a rule waits for.

Either a moment of the story (take-off, landing, onset), or the moment at which the
rule's own condition begins to hold when the true body is asked, a thousand times a
second, instead of poses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from inference.rules import Scene, Seen, compile_rules, evaluate, initial_state
from inference.rules.scene import SPACE
from rig.config.rules import IN_SPACE, Custom, FeatureCrosses, keypoints_of, leaves
from rig.geometry import project, read_calibration
from rig.sim.cameras import camera_of
from rig.sim.world import BODY_PARTS, Story, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from inference.rules import Rule
    from offline.replay import RecordedSession
    from rig.config.rig import RigConfig
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig
    from rig.geometry import Camera

__all__ = ["STORY", "Simulation", "Span", "simulation_of"]

STORY = {
    "take_off": "the mouse takes off",
    "landing": "it lands",
    "onset": "its movement begins",
}
"""Moments of the story that can be asked for, in words."""

_FILE = "truth.json"
_STEP_S = 1e-3
_FORMS = ("raw", "smoothed", "predicted")
_NEVER_OLD_NS = 2**62
_SAME = 1e-3
"""So far apart two calibrations of one camera may be (radians, mm)."""

Span = tuple[int, int]
"""First and last host time that is judged."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """The world that a session was recorded of."""

    world: World
    epoch_ns: int
    """Host time at which it began."""
    slow: float
    """World time runs so many times slower than host time."""
    rig: RigConfig

    def story(self, name: str, span: Span) -> NDArray[np.int64] | None:
        """Return when something of the story happened; None if it never does."""
        at_s = getattr(self.world, f"{name}_s")
        if at_s is None:
            return None
        first, last = (self._world_s(at_ns) for at_ns in span)
        period_s = self.world.period_s
        turns = np.arange(
            np.ceil((first - at_s) / period_s), np.floor((last - at_s) / period_s) + 1
        )
        return self._host_ns(at_s + turns * period_s)

    def condition(
        self, task: TaskConfig, name: str, bodyparts: tuple[str, ...], span: Span
    ) -> NDArray[np.int64] | str:
        """Return when a rule's condition began to hold, by the true body.

        The rule's refractory time holds here, too; its debounce does not.

        Returns
        -------
        Host times, or why they cannot be told.
        """
        (config,) = (rule for rule in task.rules if rule.name == name)
        why = self._unknown(task, config)
        if why:
            return why
        rules = compile_rules(task.rules, bodyparts, task.seed)
        rule = next(rule for rule in rules if rule.name == name)
        ideal = (_ideal(rule),)
        state, found = initial_state(ideal), list[int]()
        for at_ns, forms in self._scenes(task, config, bodyparts, span):
            scene = Scene(rule.source, at_ns, forms)
            state, decisions = evaluate(ideal, state, scene, now_ns=at_ns, armed=True)
            found += [d.host_ns for d in decisions if d.outcome == "fired"]
        return np.array(found, np.int64)

    def camera(self, name: str) -> Camera:
        """Return where a camera stands, as its twin does."""
        return camera_of(self.rig, name)

    def _unknown(self, task: TaskConfig, config: RuleConfig) -> str:
        """Return why a rule's condition cannot be asked of the body, if so."""
        for _, leaf in leaves(config.when):
            if isinstance(leaf, FeatureCrosses):
                return "it asks a signal; say what is true with --truth"
            lacking = [part for part in keypoints_of(leaf) if part not in BODY_PARTS]
            if lacking:
                return f"the simulated body has no {' and no '.join(lacking)}"
        space = None if task.inference is None else task.inference.space
        path = None if space is None else space.calibration
        if path is not None and not self._same_space(path):
            return "the task's calibration is not of the simulated cameras"
        return ""

    def _same_space(self, path: Path) -> bool:
        for camera in read_calibration(path).cameras:
            if camera.name not in self.rig.cameras:
                return False
            mine = self.camera(camera.name)
            for pair in (
                (camera.rotation_rad, mine.rotation_rad),
                (camera.translation_mm, mine.translation_mm),
            ):
                if not np.allclose(*pair, rtol=0, atol=_SAME):
                    return False
        return True

    def _scenes(
        self,
        task: TaskConfig,
        config: RuleConfig,
        bodyparts: tuple[str, ...],
        span: Span,
    ) -> Iterator[tuple[int, dict[str, Seen]]]:
        """Yield host times, and the body in every form that a rule can ask for."""
        period = max(1, round(self.world.period_s / _STEP_S))
        body_mm = self.world.keypoints_mm(
            np.arange(period) * (self.world.period_s / period)
        )
        order = [BODY_PARTS.index(p) if p in BODY_PARTS else -1 for p in bodyparts]
        tables: dict[str, Any] = {}
        for camera in _cameras(task, config):
            table = _rows(project(self.camera(camera), body_mm), order)
            prefix = "" if camera == config.source else f"{camera}/"
            tables |= dict.fromkeys((f"{prefix}{form}" for form in _FORMS), table)
        if config.source == IN_SPACE:
            tables[SPACE] = _rows(body_mm, order)
        first, last = (self._world_s(at_ns) for at_ns in span)
        steps = np.arange(np.ceil(first / _STEP_S), np.floor(last / _STEP_S) + 1)
        numbers = steps.astype(np.int64)
        times = self._host_ns(numbers * (self.world.period_s / period)).tolist()
        for at_ns, k in zip(times, (numbers % period).tolist(), strict=True):
            yield at_ns, {form: Seen(rows[k], at_ns) for form, rows in tables.items()}

    def _world_s(self, host_ns: int) -> float:
        return (host_ns - self.epoch_ns) / self.slow / 1e9

    def _host_ns(self, world_s: NDArray[np.float64]) -> NDArray[np.int64]:
        return self.epoch_ns + np.rint(world_s * self.slow * 1e9).astype(np.int64)


def simulation_of(session: RecordedSession) -> Simulation | None:
    """Return the world of a simulated session that kept its truth; None of others."""
    path = session.folder / _FILE
    if session.rig is None or not path.exists():
        return None
    truth = msgspec.json.decode(path.read_bytes())
    if truth.get("epoch_ns") is None:
        return None
    told = session.rig.simulation
    world = _world(int(session.plan.get("seed", 0)), told.story, told.period_s)
    return Simulation(world, truth["epoch_ns"], truth["slow"], session.rig)


@lru_cache(maxsize=4)
def _world(seed: int, story: Story, period_s: float) -> World:
    """Return a world; sessions of one day are often of the same."""
    return World(seed, story, period_s)


def _cameras(task: TaskConfig, config: RuleConfig) -> tuple[str, ...]:
    """Return whose pictures a rule looks at: somebody's own class may look at all."""
    own = any(isinstance(leaf, Custom) for _, leaf in leaves(config.when))
    if own and task.inference is not None:
        return task.inference.cameras
    return () if config.camera is None else (config.camera,)


def _ideal(rule: Rule) -> Rule:
    return replace(
        rule, debounce_frames=1, max_age_ns=_NEVER_OLD_NS, sham_probability=0.0
    )


def _rows(points: NDArray[np.float64], order: Iterable[int]) -> list[list[list[float]]]:
    """Return (n, bodyparts, 2 or 3) as rules want it: sure of all that there is."""
    columns = list(order)
    picked = points[:, columns]
    picked[:, [k for k, place in enumerate(columns) if place < 0]] = np.nan
    sure = np.ones((*picked.shape[:2], 1))
    return np.concatenate([picked, sure], axis=2).tolist()
