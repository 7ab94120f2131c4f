"""A force platform on a Harp board: six channels of int16, in blocks of ten samples.

A channel whose name begins with ``M`` is a moment: its counts are a hundred times
coarser in mN mm than those of a force in mN, so that both fit 16 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.harp_registers import FORCE_CHANNELS, registers
from rig.devices.harp_samples import SampleSource

if TYPE_CHECKING:
    from rig.config.rig import ForcePlateConfig

__all__ = ["channel_scales", "force_plate_source"]

_MOMENT_PER_FORCE = 100.0


def channel_scales(config: ForcePlateConfig) -> tuple[float, ...]:
    """Return what one count is on each channel, in mN or mN mm."""
    return tuple(
        config.mn_per_count * (_MOMENT_PER_FORCE if _is_moment(name) else 1.0)
        for name in config.channels
    )


def _is_moment(channel: str) -> bool:
    return channel.startswith("M")


def force_plate_source(device: str, config: ForcePlateConfig) -> SampleSource:
    """Return what the rig file asks of a board's force platform.

    Parameters
    ----------
    device
        Name of the device in the rig file.
    """
    return SampleSource(
        stream=f"signals/{device}/force_plate",
        node=device,
        register=registers.ForcePlate,
        number_register=registers.ForcePlateSample,
        period_register=registers.ForcePlatePeriod,
        flag=registers.StreamFlags.FORCE_PLATE,
        board_channels=FORCE_CHANNELS,
        channels=config.channels,
        rate_hz=config.rate_hz,
        units=tuple("mN mm" if _is_moment(c) else "mN" for c in config.channels),
        scale=channel_scales(config),
    )
