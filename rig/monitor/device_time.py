"""From a device's time to the host's, as the device's node said; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["host_times"]


def host_times(
    said: np.void | NDArray[np.void], device_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return host times of device times.

    Parameters
    ----------
    said
        The row of ``/clocks/<device>`` that holds, or (n,) one for each time.
    device_ns
        (n,) times of the device.
    """
    drift = 1e-9 * said["skew_ppb"] * (device_ns - said["device_ns"])
    return device_ns + said["offset_ns"] + drift.astype(np.int64)
