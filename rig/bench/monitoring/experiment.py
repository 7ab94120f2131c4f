"""What the monitor is measured beside: cameras, EMG, force and a loop that fires.

All of it is real but the light and the animal: the nodes of the cameras play short
films of the simulated mouse from memory, at a tenth of a core or less, and the board
is the simulated one behind its real driver. Basler's emulator would take more than
the machine has.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rig.config.examples import examples_folder
from rig.config.loading import load_experiment
from rig.config.rig import RigConfig
from rig.config.session import SessionConfig
from rig.sim.cameras import cameras_for
from rig.sim.render import Renderer
from rig.sim.world import World
from rig.supervisor.plan import plan_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rig.config.task import TaskConfig
    from rig.supervisor.plan import SessionPlan

__all__ = ["LOOKED_AT", "Experiment", "Setup", "write_films"]

LOOKED_AT = "left"
"""The camera whose frames go through the network."""
SUBJECT = "bench"
_FILM_S = 0.6
"""Length of a film, which is played again and again: one take-off."""
_BEFORE_S = 0.25
_STORY, _SEED = "jump", 1
_RING_S = 4.0
_SEGMENT_S = 5.0
_SPARE_S = 20.0
"""Beyond its planned length a session may take so long."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is recorded."""

    folder: Path
    """Holds the films; the sessions are written below its ``data``."""
    cameras: int = 4
    rate_hz: float = 200.0
    width_px: int = 640
    height_px: int = 480
    planned_s: float = 30.0

    @property
    def names(self) -> list[str]:
        """Names of the cameras, the one that is looked at first."""
        return [camera.name for camera in cameras_for(_STORY, self.cameras)]

    @property
    def mb_per_s(self) -> float:
        """Pixels that come in."""
        frame = self.width_px * self.height_px
        return self.cameras * self.rate_hz * frame / 1e6

    @property
    def disk_bytes(self) -> int:
        """Room that a session takes at most, with the segments laid out ahead."""
        seconds = self.planned_s + _SPARE_S + 2 * _SEGMENT_S
        return round(1e6 * self.mb_per_s * seconds)

    @property
    def memory_bytes(self) -> int:
        """Shared memory that its rings take."""
        return round(1.1e6 * self.mb_per_s * _RING_S) + 32_000_000

    def film(self, camera: str) -> Path:
        """Return the film that a camera plays."""
        return self.folder / f"{camera}.avi"

    def setup(self) -> Setup:
        """Return what is to be run."""
        rig = RigConfig.model_validate(self._rig())
        task = self._task()
        session = SessionConfig(
            format="springhare-session-plan/1",
            subject=SUBJECT,
            planned_minutes=(self.planned_s + _SPARE_S) / 60,
            seed=_SEED,
        )
        # the cameras' real nodes play, only the board is simulated
        plan = replace(plan_nodes(rig, task, simulate=False), stand_in=True)
        return Setup(rig, task, session, plan)

    def _rig(self) -> dict[str, Any]:
        cameras = {name: self._camera(name) for name in self.names}
        return {
            "format": "springhare-rig/1",
            "name": f"bench_{os.getpid()}",
            "data_root": self.folder / "data",
            "segment_seconds": _SEGMENT_S,
            "devices": {**cameras, "daq": _BOARD},
            "simulation": {"story": _STORY},
        }

    def _camera(self, name: str) -> dict[str, Any]:
        return {
            "kind": "video",
            "source": str(self.film(name)),
            "rate_hz": self.rate_hz,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "loop": True,
            "ring_seconds": _RING_S,
            "on_death": "continue",
        }

    def _task(self) -> TaskConfig:
        """Return the demo's task, with a rule that fires at each take-off."""
        folder = examples_folder()
        task = load_experiment(
            *(folder / kind / "demo.yaml" for kind in ("rig", "task", "session"))
        ).task
        rule = task.rules[0]
        when = rule.when.model_copy(update={"threshold_px": self.height_px / 2})
        return task.model_copy(
            update={
                "rules": (
                    rule.model_copy(update={"when": when, "sham_probability": 0.0}),
                ),
            }
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """The configs of a session, and its processes."""

    rig: RigConfig
    task: TaskConfig
    session: SessionConfig
    plan: SessionPlan


_BOARD: dict[str, Any] = {
    "kind": "harp",
    "port": "/dev/ttyACM0",
    "emg": {
        "rate_hz": 2000,
        "channels": ["GL", "TA", "VL", "BF", "GL2", "TA2", "VL2", "BF2"],
    },
    "force_plate": {"rate_hz": 1000},
    "actuator": {
        "lines": {
            "laser": {
                "pin": 1,
                "max_width_us": 50_000,
                "max_rate_hz": 40,
                "max_duty": 0.5,
            }
        }
    },
}


def write_films(
    experiment: Experiment, told: Callable[[str], None] = lambda _: None
) -> None:
    """Render what each camera plays: uncompressed, so that it costs little to play."""
    world = World(_SEED, _STORY)
    size = (experiment.width_px, experiment.height_px)
    for camera in cameras_for(_STORY, experiment.cameras, *size):
        told(f"rendering the film of camera {camera.name}")
        renderer = Renderer(world, camera, seed=_SEED)
        began_s = (world.take_off_s or 0.0) - _BEFORE_S
        pictures = (
            renderer.render(began_s + k / experiment.rate_hz, k)
            for k in range(max(2, round(_FILM_S * experiment.rate_hz)))
        )
        _write_film(experiment.film(camera.name), pictures, experiment)


def _write_film(
    path: Path, pictures: Iterator[NDArray[np.uint8]], experiment: Experiment
) -> None:
    import av

    with av.open(str(path), "w") as film:
        stream = film.add_stream("rawvideo", rate=round(experiment.rate_hz))
        stream.width, stream.height = experiment.width_px, experiment.height_px
        stream.pix_fmt = "gray"
        for number, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
