"""From a device's section of the rig file to what is asked of its board. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.devices.actuator import limit_settings, permission_settings
from rig.devices.camera_trigger import trigger_period_ns, trigger_settings
from rig.devices.clock_rows import ASK_HZ
from rig.devices.emg import emg_source
from rig.devices.force_plate import force_plate_source
from rig.devices.harp_registers import registers
from rig.devices.inputs import EdgeStream, Line, lines_of
from rig.devices.sync_line import first_number, sync_line_of, sync_settings
from rig.messages import StreamSpec

if TYPE_CHECKING:
    from rig.config.rig import HarpConfig
    from rig.devices.harp_samples import SampleSource

__all__ = ["BoardPlan", "plan_board"]

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
    counted: tuple[tuple[Any, int, int], ...] = ()
    """What the board counts by itself: register, first number, and ns to the next."""

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

    def numbers_after(self, elapsed_ns: int) -> dict[Any, int]:
        """Return what the board must count from when it starts (again).

        Parameters
        ----------
        elapsed_ns
            Time since its first start; 0 for the first. Later it goes on behind all
            numbers that it may have given.
        """
        most_ns = elapsed_ns + elapsed_ns // 1000  # by the fastest of clocks
        return {
            register: first + (most_ns // each_ns + 1 if elapsed_ns else 0)
            for register, first, each_ns in self.counted
        }

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
                name=self.clocks,
                kind="clocks",
                node=node,
                rate_hz=ASK_HZ,
                slots=_SLOTS,
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


def plan_board(device: str, config: HarpConfig, seed: int = 0) -> BoardPlan:
    """Return what a device's section of the rig file asks of its board.

    Parameters
    ----------
    device
        Its name in the rig file.
    config
        Its section.
    seed
        Of the session, as of `rig.devices.sync_line.session_seed`.

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
    settings.append((registers.SyncSeed, seed))
    counted: list[tuple[Any, int, int]] = []
    if config.camera_trigger is not None:
        settings += trigger_settings(config.camera_trigger)
        period_ns = trigger_period_ns(config.camera_trigger)
        counted.append((registers.CameraTriggerNumber, 0, period_ns))
    if config.sync_line is not None:
        line = sync_line_of(config.sync_line, seed)
        settings += sync_settings(line)
        counted.append(
            (registers.SyncNumber, first_number(seed), line.period_us * 1000)
        )
    if config.actuator is not None:
        settings += limit_settings(config.actuator)
        settings += permission_settings(config.actuator, lines)
    bits = sum(int(source.flag) for source in sources)
    bits |= int(flags.EDGES) if lines else 0
    bits |= int(flags.CAMERA_TRIGGER) if config.camera_trigger else 0
    bits |= int(flags.SYNC) if config.sync_line else 0
    return BoardPlan(
        device=device,
        sources=tuple(sources),
        lines=lines,
        settings=tuple(settings),
        flags=bits,
        acts=config.actuator is not None,
        counted=tuple(counted),
    )
