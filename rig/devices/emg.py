"""EMG on a Harp board: eight channels of int16, in blocks of ten samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.devices.harp_registers import EMG_CHANNELS, registers
from rig.devices.harp_samples import SampleSource

if TYPE_CHECKING:
    from rig.config.rig import EmgConfig

__all__ = ["emg_source"]


def emg_source(device: str, config: EmgConfig) -> SampleSource:
    """Return what the rig file asks of a board's EMG.

    Parameters
    ----------
    device
        Name of the device in the rig file.
    """
    return SampleSource(
        stream=f"signals/{device}/emg",
        node=device,
        register=registers.Emg,
        number_register=registers.EmgSample,
        period_register=registers.EmgPeriod,
        flag=registers.StreamFlags.EMG,
        board_channels=EMG_CHANNELS,
        channels=config.channels,
        rate_hz=config.rate_hz,
        units=("uV",) * len(config.channels),
        scale=(float(config.uv_per_count),) * len(config.channels),
    )
