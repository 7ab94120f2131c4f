"""The features of signals at each moment: as recorded, or made anew of the samples.

A session whose task had the same features holds them, as they were when rules were
asked. For another task they are made of the recorded samples as `inference.features`
makes them live, and are taken to be known when their block of samples had arrived.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Protocol

import numpy as np

from inference.features.window import Recipe, SignalWindow
from inference.rules import Feature
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from numpy.typing import NDArray

    from rig.config.task import FeatureConfig
    from rig.messages import Pose
    from rig.recording.reader import Recording

__all__ = ["Hearing", "MadeHearing", "RecordedHearing", "Silence"]

_MOST_BLOCKS = 4096

Features = dict[str, Feature]
_Alone = tuple[int, Features, tuple[int, ...]]


class Hearing(Protocol):
    """The features of a session."""

    def at_pose(self, pose: Pose) -> Mapping[str, Feature]:
        """Return them as they were when a pose was decided on."""
        ...

    def alone(self, taken: Container[int]) -> Iterator[_Alone]:
        """Yield when they were asked without a pose, in order.

        Each is host time, features, and numbers of their last samples.

        Parameters
        ----------
        taken
            Host times of poses.
        """
        ...


class Silence:
    """No features."""

    def at_pose(self, pose: Pose) -> Features:
        """Return none."""
        del pose
        return {}

    def alone(self, taken: Container[int]) -> Iterator[_Alone]:
        """Yield nothing."""
        del taken
        yield from ()


class RecordedHearing:
    """Features as they were recorded when rules were asked.

    Parameters
    ----------
    rows
        (m,) `FeatureValue`.
    """

    def __init__(self, rows: NDArray[np.void]) -> None:
        self._known: dict[int, tuple[Features, tuple[int, ...]]] = {}
        names = ("host_ns", "feature", "value", "at_ns", "device_sample")
        columns = (rows[name].tolist() for name in names)
        for now_ns, name, value, at_ns, number in zip(*columns, strict=True):
            features, numbers = self._known.get(now_ns, ({}, ()))
            features[name.decode()] = Feature(value, at_ns)
            self._known[now_ns] = features, (*numbers, number)

    def at_pose(self, pose: Pose) -> Features:
        """Return them as they were when a pose was decided on."""
        return self._known.get(pose.host_ns, ({}, ()))[0]

    def alone(self, taken: Container[int]) -> Iterator[_Alone]:
        """Yield when they were asked without a pose."""
        for now_ns, (features, numbers) in self._known.items():
            if now_ns not in taken:
                yield now_ns, features, numbers


class MadeHearing:
    """Features made of recorded samples.

    Parameters
    ----------
    configs
        The task's features.
    recording
        The session.

    Raises
    ------
    SessionError
        If it lacks a signal or a channel.
    """

    def __init__(
        self, configs: Mapping[str, FeatureConfig], recording: Recording
    ) -> None:
        by_signal: dict[str, dict[str, FeatureConfig]] = {}
        for name, config in configs.items():
            by_signal.setdefault(f"signals/{config.stream}", {})[name] = config
        found: list[_Alone] = []
        for stream, mine in by_signal.items():
            found += _made(stream, mine, recording)
        found.sort(key=lambda each: each[0])
        self._known: list[_Alone] = []
        features: Features = {}
        for now_ns, news, numbers in found:
            features = {**features, **news}
            self._known.append((now_ns, features, numbers))
        self._times = [now_ns for now_ns, _, _ in self._known]

    def at_pose(self, pose: Pose) -> Features:
        """Return those that were there when a pose was decided on."""
        place = bisect_right(self._times, pose.host_ns) - 1
        return self._known[place][1] if place >= 0 else {}

    def alone(self, taken: Container[int]) -> Iterator[_Alone]:
        """Yield the arrival of each block."""
        for each in self._known:
            if each[0] not in taken:
                yield each


def _made(
    stream: str, configs: Mapping[str, FeatureConfig], recording: Recording
) -> Iterator[_Alone]:
    """Yield a signal's features, block by block."""
    if stream not in recording.streams:
        known = ", ".join(
            name for name, spec in recording.streams.items() if spec.kind == "samples"
        )
        msg = (
            f"Expected {stream} in {recording.folder} for the features "
            f"{', '.join(configs)}, got {known or 'no signal'}"
        )
        raise SessionError(msg)
    attributes = recording.attributes(stream)
    rate_hz = float(attributes["rate_hz"])
    channels = [str(channel) for channel in attributes["channels"]]
    recipes = {
        name: _recipe(name, config, channels, rate_hz)
        for name, config in configs.items()
    }
    length = max(recipe.needed for recipe in recipes.values())
    window = SignalWindow(attributes["scale"], length)
    rows = recording.rows(stream)
    at_ns = _last_samples_ns(stream, rows, rate_hz, recording).tolist()
    names = ("host_ns", "count", "device_sample")
    blocks = zip(*(rows[name].tolist() for name in names), at_ns, strict=True)
    samples = _blocks(stream, rows, recording)
    for (host_ns, count, number, last_ns), counts in zip(blocks, samples, strict=True):
        window.append(counts, number)
        features = {
            name: Feature(recipe.value(window.samples), min(last_ns, host_ns))
            for name, recipe in recipes.items()
        }
        yield host_ns, features, (number + count - 1,) * len(features)


def _blocks(
    stream: str, rows: NDArray[np.void], recording: Recording
) -> Iterator[NDArray[np.int16]]:
    """Yield the samples of each block; many are read at once."""
    for start in range(0, len(rows), _MOST_BLOCKS):
        part = rows[start : start + _MOST_BLOCKS]
        firsts = part["first_sample"].tolist()
        zero, counts = firsts[0], part["count"].tolist()
        samples = recording.payload(stream, zero, firsts[-1] + counts[-1])
        for first, count in zip(firsts, counts, strict=True):
            yield samples[first - zero : first - zero + count]


def _recipe(
    name: str, config: FeatureConfig, channels: list[str], rate_hz: float
) -> Recipe:
    missing = [each for each in config.channels if each not in channels]
    if missing:
        msg = (
            f"Expected the channels of features.{name} among those of {config.stream} "
            f"({', '.join(channels)}), got {', '.join(missing)}"
        )
        raise SessionError(msg)
    return Recipe.of(config, channels, rate_hz)


def _last_samples_ns(
    stream: str, rows: NDArray[np.void], rate_hz: float, recording: Recording
) -> NDArray[np.int64]:
    """Return the host time (n,) of each block's last sample, as it was known live."""
    arrived_ns = rows["host_ns"].astype(np.int64)
    last_ns = rows["device_ns"] + np.rint((rows["count"] - 1) * 1e9 / rate_hz)
    last_ns = last_ns.astype(np.int64)
    clock = f"clocks/{recording.streams[stream].node}"
    if clock not in recording.streams or not recording.count(clock):
        return arrived_ns
    models = recording.rows(clock)
    newest = np.searchsorted(models["host_ns"], arrived_ns, side="right") - 1
    model = models[np.maximum(newest, 0)]
    drift_ns = (last_ns - model["device_ns"]) * model["skew_ppb"] * 1e-9
    found = last_ns + model["offset_ns"] + np.rint(drift_ns).astype(np.int64)
    return np.where(newest >= 0, found, arrived_ns)
