"""What the demo runs: the example configs, with pictures for the emulated cameras."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from rig.commands.film import Film, open_film, write_film
from rig.config.examples import examples_folder
from rig.config.loading import load_experiment
from rig.config.rig import BaslerConfig, CalibrationConfig, EmulatorConfig, HarpConfig
from rig.config.task import InferenceConfig
from rig.sim.cameras import cameras_for
from rig.sim.pictures import write_pictures
from rig.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig
    from rig.config.task import TaskConfig
    from rig.geometry import Camera

__all__ = ["DemoRequest", "DemoSetup", "prepare"]


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """What was asked for on the command line."""

    seconds: float
    cameras: int
    fps: float
    out: Path
    seed: int
    video: Path | None
    model: Path | None


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """What is to be run."""

    rig: RigConfig
    task: TaskConfig
    session: SessionConfig


def prepare(request: DemoRequest, pictures: Path, *, quiet: bool) -> DemoSetup:
    """Make the pictures and the three configs of a demo.

    Parameters
    ----------
    request
        What was asked for.
    pictures
        Temporary folder for what the emulated cameras play.
    quiet
        Whether no progress is shown.

    Raises
    ------
    SpringhareError
        If the film or the rate cannot be played.
    """
    folder = examples_folder()
    planned = load_experiment(
        folder / "rig" / "demo.yaml",
        folder / "task" / "demo.yaml",
        folder / "session" / "demo.yaml",
    )
    with Progress(console=Console(stderr=True), disable=quiet) as progress:
        if request.video is not None:
            film = open_film(request.video)
            if request.model is None:  # the bundled network sees grey
                film = replace(film, grey=True)
            cameras = {"left": _play(film, request, pictures, progress)}
            fps = film.rate_hz
        else:
            cameras = _render(request, planned.rig, pictures, progress)
            fps = request.fps
    return DemoSetup(
        rig=_rig(planned.rig, request.out, cameras, fps),
        task=_task(planned.task, request.model),
        session=planned.session.model_copy(
            update={"seed": request.seed, "planned_minutes": request.seconds / 60}
        ),
    )


def _render(
    request: DemoRequest, rig: RigConfig, pictures: Path, progress: Progress
) -> dict[str, BaslerConfig]:
    simulation = rig.simulation
    world = World(request.seed, simulation.story, simulation.period_s)
    template = next(c for c in rig.cameras.values() if isinstance(c, BaslerConfig))
    made: dict[str, BaslerConfig] = {}
    for k, camera in enumerate(
        cameras_for(
            simulation.story,
            request.cameras,
            template.width_px,
            template.height_px,
        )
    ):
        folder = pictures / camera.name
        bar = progress.add_task(f"rendering the world for camera {camera.name}")
        write_pictures(
            world,
            camera,
            folder,
            request.fps,
            exposure_s=template.exposure_us / 1e6,
            progress=lambda done, of, bar=bar: progress.update(
                bar, completed=done, total=of
            ),
        )
        made[camera.name] = template.model_copy(
            update={
                "serial": f"0815-{k:04d}",
                "emulator": EmulatorConfig(pictures=folder),
                "calibration": _calibration(camera),
            }
        )
    return made


def _calibration(camera: Camera) -> CalibrationConfig:
    return CalibrationConfig(
        focal_px=camera.focal_px,
        centre_px=camera.centre_px,
        distortion=camera.distortion,
        rotation_rad=camera.rotation_rad,
        translation_mm=camera.translation_mm,
    )


def _play(
    film: Film, request: DemoRequest, pictures: Path, progress: Progress
) -> BaslerConfig:
    folder = pictures / "left"
    bar = progress.add_task(f"reading {film.path.name}")
    wanted = math.ceil(request.seconds * film.rate_hz) + 1
    write_film(
        film,
        folder,
        wanted,
        lambda done, of: progress.update(bar, completed=done, total=of),
    )
    return BaslerConfig.model_validate(
        {
            "kind": "basler",
            "serial": "0815-0000",
            "width_px": film.width_px,
            "height_px": film.height_px,
            "pixel_format": "Mono8" if film.grey else "RGB8",
            "exposure_us": min(2000.0, 5e5 / film.rate_hz),
            "trigger": {"mode": "software", "source": "daq"},
            "emulator": {"pictures": folder},
        }
    )


def _rig(
    rig: RigConfig, out: Path, cameras: Mapping[str, BaslerConfig], fps: float
) -> RigConfig:
    boards = {
        name: _triggering(device, fps) for name, device in rig.harp_devices.items()
    }
    return rig.model_copy(
        update={"data_root": out, "devices": {**cameras, **boards}},
    )


def _triggering(board: HarpConfig, fps: float) -> HarpConfig:
    if board.camera_trigger is None:
        return board
    trigger = board.camera_trigger.model_copy(update={"rate_hz": fps})
    return board.model_copy(update={"camera_trigger": trigger})


def _task(task: TaskConfig, model: Path | None) -> TaskConfig:
    """Return the task; another model has body parts that our rules do not know."""
    if model is None:
        return task
    inference = InferenceConfig(
        model=str(model.resolve()),
        engine="onnx" if model.suffix == ".onnx" else "dlclive",
        cameras=("left",),
    )
    return task.model_copy(update={"inference": inference, "rules": ()})
