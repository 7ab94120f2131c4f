"""From a device's section of the rig file to what is asked of its board. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.devices.actuator import limit_settings
from rig.devices.camera_trigger import trigger_settings
from rig.devices.emg import emg_source
from rig.devices.force_plate import force_plate_source
from rig.devices.harp_registers import registers
from rig.devices.inputs import EdgeStream, Line, lines_of
from rig.messages import StreamSpec

if TYPE_CHECKING:
    from rig.config.rig import HarpConfig
    from rig.devices.harp_samples import SampleSource

__all__ = ["BoardPlan", "plan_board"]

_HOST_TIMEOUT_MS = 2000
_EVENT_SLOTS = 8192
_SLOTS = 1024


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """All that one board is for."""

    device: str
    """Name of the device in the rig file."""
    sources: tuple[SampleSource, ...]
    lines: dict[int, Line]
    settings: tuple[tuple[Any, Any], ...]
    """Registers and the values they must hold."""
    flags: int
    """Bits of StreamControl while the session runs."""
    acts: bool
    """Whether it drives outputs."""

    @property
    def events(self) -> str | None:
        """Name of the stream of edges; None if no line is named."""
        return f"events/{self.device}" if self.lines else None

    @property
    def losses(self) -> str:
        """Name of the stream of losses."""
        return f"losses/{self.device}"

    @property
    def clocks(self) -> str:
        """Name of the stream of the online clock model."""
        return f"clocks/{self.device}"

    def specs(self, ring_seconds: float) -> list[StreamSpec]:
        """Return the declarations of all streams that the device's node writes."""
        node = self.device
        specs = [source.spec(ring_seconds) for source in self.sources]
        if self.events is not None:
            specs.append(
                StreamSpec(
                    name=self.events,
                    kind="events",
                    node=node,
                    slots=_EVENT_SLOTS,
                    counters=("missing_events",),
                    attributes={"lines": [line.name for line in self.lines.values()]},
                )
            )
        if self.acts:
            specs.append(
                StreamSpec(
                    name="acknowledgements",
                    kind="acknowledgements",
                    node=node,
                    slots=_SLOTS,
                )
            )
        specs += [
            StreamSpec(
                name=self.clocks, kind="clocks", node=node, rate_hz=2.0, slots=_SLOTS
            ),
            StreamSpec(
                name=self.losses,
                kind="losses",
                node=node,
                slots=_SLOTS,
                counters=(
                    "bad_messages",
                    "unplugged",
                    "clock_jumps",
                    "dropped_by_board",
                    "missed_by_board",
                    "late_answers",
                ),
            ),
        ]
        return specs


def plan_board(device: str, config: HarpConfig) -> BoardPlan:
    """Return what a device's section of the rig file asks of its board.

    Raises
    ------
    DeviceError
        If it asks for a pin that the board does not have.
    """
    flags = registers.StreamFlags
    sources: list[SampleSource] = []
    if config.emg is not None:
        sources.append(emg_source(device, config.emg))
    if config.force_plate is not None:
        sources.append(force_plate_source(device, config.force_plate))
    lines = lines_of(device, config)
    settings = [(source.period_register, source.period_ns) for source in sources]
    settings += EdgeStream(lines).settings
    settings.append((registers.HostTimeout, _HOST_TIMEOUT_MS))
    if config.camera_trigger is not None:
        settings += trigger_settings(config.camera_trigger)
    if config.actuator is not None:
        settings += limit_settings(config.actuator)
    bits = sum(int(source.flag) for source in sources)
    bits |= int(flags.EDGES) if lines else 0
    bits |= int(flags.CAMERA_TRIGGER) if config.camera_trigger else 0
    return BoardPlan(
        device=device,
        sources=tuple(sources),
        lines=lines,
        settings=tuple(settings),
        flags=bits,
        acts=config.actuator is not None,
    )
