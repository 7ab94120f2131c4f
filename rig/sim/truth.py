"""The simulator's truth as one HDF5 file, to hold against what was recorded.

Poses are keyed by picture: row k is what the picture with the burnt-in number k
shows, at the middle of its exposure.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import h5py
import numpy as np

from rig.geometry import project
from rig.sim.world import (
    BODY_PARTS,
    EMG_CHANNELS,
    EMG_RATE_HZ,
    FORCE_CHANNELS,
    IMAGING_RATE_HZ,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

    from rig.geometry import Camera
    from rig.sim.world import World

__all__ = ["export_truth"]

_FORMAT = "springhare-truth"
_FORMAT_VERSION = 1
_FORCE_RATE_HZ = 1000.0


def export_truth(
    world: World,
    path: Path,
    *,
    cameras: Sequence[Camera] = (),
    fps: float = 100.0,
    exposure_s: float = 0.002,
    clocks: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Write one period of a world's truth.

    Every dataset has the attribute `units` and, where it has a time axis, a
    dataset `time_s` beside it.

    Parameters
    ----------
    world
        The truth.
    path
        HDF5 file to make; it appears whole, in place of an older one.
    cameras
        Calibrated cameras: poses in their pixels.
    fps, exposure_s
        Of the pictures.
    clocks
        Known figures of each device's own clock, with units in their names.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(draft, "w") as file:
            _write_story(file, world)
            _write_pose(file.create_group("pose"), world, cameras, fps, exposure_s)
            _write_forces(file.create_group("forces"), world)
            _write_emg(file.create_group("emg"), world)
            _write_neurons(file.create_group("neurons"), world)
            for device, figures in (clocks or {}).items():
                file.create_group(f"clocks/{device}").attrs.update(figures)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_story(file: h5py.File, world: World) -> None:
    facts = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "seed": world.seed,
        "story": world.story,
        "period_s": world.period_s,
        "mass_g": world.mass_g,
        "onset_s": world.onset_s,
        "take_off_s": world.take_off_s,
        "landing_s": world.landing_s,
        "take_off_velocity_mm_s": world.take_off_velocity_mm_s,
        "jump_height_mm": world.jump_height_mm,
        "reach_target_mm": world.reach_target_mm,
        "electromechanical_delay_s": world.electromechanical_delay_s,
    }
    for name, value in facts.items():
        if value is not None:
            file.attrs[name] = value


def _write_pose(
    group: h5py.Group,
    world: World,
    cameras: Sequence[Camera],
    fps: float,
    exposure_s: float,
) -> None:
    times = _times(world, fps) + 0.5 * exposure_s
    points = world.keypoints_mm(times)
    group.attrs.update({"bodyparts": list(BODY_PARTS), "rate_hz": fps})
    group.attrs["exposure_s"] = exposure_s
    _put(group, "time_s", times, "s")
    _put(group, "keypoints_mm", points, "mm")
    _put(group, "centre_of_mass_mm", world.centre_of_mass_mm(times), "mm")
    for camera in cameras:
        place = group.create_group(f"cameras/{camera.name}")
        _put(place, "keypoints_px", project(camera, points), "px")
        for name in (
            *("width_px", "height_px", "focal_px", "centre_px"),
            *("distortion", "rotation_rad", "translation_mm"),
        ):
            place.attrs[name] = getattr(camera, name)


def _write_forces(group: h5py.Group, world: World) -> None:
    times = _times(world, _FORCE_RATE_HZ)
    forces = world.forces(times)
    group.attrs["rate_hz"] = _FORCE_RATE_HZ
    _put(group, "time_s", times, "s")
    _put(group, "force_mn", forces[:, :3], "mN", FORCE_CHANNELS[:3])
    _put(group, "moment_mn_mm", forces[:, 3:], "mN mm", FORCE_CHANNELS[3:])


def _write_emg(group: h5py.Group, world: World) -> None:
    times = _times(world, EMG_RATE_HZ)
    group.attrs["rate_hz"] = EMG_RATE_HZ
    _put(group, "time_s", times, "s")
    _put(group, "activation", world.activation(times), "1", EMG_CHANNELS)
    first = world.emg_uv(times, np.arange(len(times)))
    _put(group, "first_period_uv", first, "uV", EMG_CHANNELS)


def _write_neurons(group: h5py.Group, world: World) -> None:
    times = world.imaging_edges_s(0.0, world.period_s)
    cells = world.neurons
    group.attrs["rate_hz"] = IMAGING_RATE_HZ
    group.attrs["tuning"] = list(cells.tuning)
    _put(group, "time_s", times, "s")
    _put(group, "dff", world.dff(times), "1")
    _put(group, "lag_s", cells.lag_s, "s")
    _put(group, "gain", cells.gain, "1")
    _put(group, "width_s", cells.width_s, "s")


def _times(world: World, rate_hz: float) -> np.ndarray:
    return np.arange(round(world.period_s * rate_hz)) / rate_hz


def _put(
    group: h5py.Group,
    name: str,
    values: ArrayLike,
    units: str,
    channels: Sequence[str] = (),
) -> None:
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["units"] = units
    if channels:
        dataset.attrs["channels"] = list(channels)
