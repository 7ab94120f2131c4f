"""Signals as inference hears them: the newest samples of each, and their features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from inference.features.window import Recipe, SignalWindow
from inference.rules import Feature
from rig.errors import StreamError
from rig.messages import Block, ClockRecord, FeatureValue, from_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.bus.directory import StreamDirectory
    from rig.bus.reader import RingReader
    from rig.config.task import FeatureConfig

__all__ = ["FeatureIntake"]

_MOST = 256
"""Blocks read at once."""


class FeatureIntake:
    """Follows the signals of a task's features.

    Parameters
    ----------
    configs
        The task's features.
    streams
        The session's streams.

    Raises
    ------
    StreamError
        If a signal is missing.
    """

    def __init__(
        self, configs: Mapping[str, FeatureConfig], streams: StreamDirectory
    ) -> None:
        by_signal: dict[str, dict[str, FeatureConfig]] = {}
        for name, config in configs.items():
            by_signal.setdefault(config.stream, {})[name] = config
        self._signals = [
            _Signal(f"signals/{signal}", features, streams)
            for signal, features in by_signal.items()
        ]

    @property
    def streams(self) -> list[str]:
        """Names of the streams it follows."""
        return [signal.stream for signal in self._signals]

    def listen(self) -> bool:
        """Take all that is new; return whether there was something."""
        news = [signal.listen() for signal in self._signals]  # each, not the first
        return any(news)

    def values(self) -> list[Heard]:
        """Return the features as they are now."""
        return [heard for signal in self._signals for heard in signal.values()]

    def now(self) -> dict[str, Feature]:
        """Return them as rules take them, by name."""
        return {heard.name: heard.feature for heard in self.values()}


class Heard(NamedTuple):
    """A feature, and its last sample's number."""

    name: str
    feature: Feature
    number: int

    def record(self, now_ns: int) -> FeatureValue:
        """Return its row, for rules that are asked now."""
        return FeatureValue(
            host_ns=now_ns,
            feature=self.name,
            value=self.feature.value,
            at_ns=self.feature.at_ns,
            device_sample=self.number,
        )


class _Signal:
    """One signal and its features."""

    def __init__(
        self,
        stream: str,
        features: Mapping[str, FeatureConfig],
        streams: StreamDirectory,
    ) -> None:
        self.stream = stream
        self._reader: RingReader = streams.reader(stream)
        attributes: dict[str, Any] = dict(self._reader.spec.attributes)
        rate_hz = float(attributes["rate_hz"])
        self._period_ns = 1e9 / rate_hz
        self._recipes = {
            name: Recipe.of(config, attributes["channels"], rate_hz)
            for name, config in features.items()
        }
        length = max(recipe.needed for recipe in self._recipes.values())
        self._window = SignalWindow(attributes["scale"], length)
        self._clock = _Clock(f"clocks/{self._reader.spec.node}", streams)
        self._last: Block | None = None
        self._values: list[Heard] = []

    def listen(self) -> bool:
        heard = False
        while len(batch := self._reader.read(_MOST)):
            heard = True
            for row, payload in zip(batch.rows, batch.payload, strict=True):
                block = self._last = from_row(Block, row)
                self._window.append(payload[: block.count], block.device_sample)
        if heard:
            self._values = self._made()
        return heard

    def values(self) -> list[Heard]:
        return self._values

    def _made(self) -> list[Heard]:
        block = self._last
        if block is None:
            return []
        last_ns = block.device_ns + round((block.count - 1) * self._period_ns)
        at_ns = min(self._clock.to_host(last_ns, block.host_ns), block.host_ns)
        samples, number = self._window.samples, self._window.last_number
        return [
            Heard(name, Feature(recipe.value(samples), at_ns), number)
            for name, recipe in self._recipes.items()
        ]


class _Clock:
    """A device's clock, as its node has mapped it to the host's."""

    def __init__(self, stream: str, streams: StreamDirectory) -> None:
        try:
            self._reader = streams.reader(stream)
        except StreamError:
            self._reader = None
        self._row: ClockRecord | None = None

    def to_host(self, device_ns: int, otherwise_ns: int) -> int:
        """Return the host time of a device time, or the other where nobody knows."""
        newest = None if self._reader is None else self._reader.latest()
        if newest is not None:
            self._row = from_row(ClockRecord, newest.rows[-1])
        row = self._row
        if row is None:
            return otherwise_ns
        drift_ns = (device_ns - row.device_ns) * row.skew_ppb * 1e-9
        return device_ns + row.offset_ns + round(drift_ns)
