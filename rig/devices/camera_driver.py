"""The seam between a camera's node and what drives the camera.

Basler's driver is one side (`rig.devices.pylon`), a simulated camera another; the
node sees no difference. One thread uses a driver; no call waits for an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rig.errors import DeviceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.devices.triggers import Trigger

__all__ = ["CameraDriver", "CameraGoneError", "CameraInfo", "Claim", "Grab", "IdRule"]


class CameraGoneError(DeviceError):
    """The camera was there and is not any more; it may come back."""


@dataclass(frozen=True, slots=True)
class IdRule:
    """How a model numbers its frames."""

    first: int = 0
    """Number of the first frame of an acquisition."""
    last: int | None = None
    """The number after which `first` comes again; None where none does."""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """What a driver found out about its camera."""

    model: str
    serial: str
    ids: IdRule
    exposure_ns: int
    """Length of an exposure, as the camera has it."""
    stamp: Literal["exposure_start", "exposure_end", "none"]
    """What the device's stamp of a frame stands for."""


@dataclass(frozen=True, slots=True)
class Grab:
    """One image as it came from a driver, whole or not."""

    block_id: int
    """The transport's number; -1 where it is not valid."""
    device_ns: int
    """The device's stamp; -1 without one."""
    arrival_ns: int
    """Host time at which it was there."""
    skipped: int = 0
    """Images that the driver dropped before this one."""
    error: str = ""
    """Why there is no image; empty when there is one."""


class Claim(Protocol):
    """Gives the memory that an image is to be copied to."""

    def __call__(self) -> NDArray[Any]:
        """Return an array of the stream's payload shape."""
        ...


class CameraDriver(Protocol):
    """A camera that is open; each method may raise `CameraGoneError`."""

    @property
    def info(self) -> CameraInfo:
        """What camera it is."""
        ...

    def start(self) -> None:
        """Begin to acquire; a triggered camera then hears its first trigger."""
        ...

    def file_descriptor(self) -> int | None:
        """Return what becomes readable when an image is there; None if nothing."""
        ...

    def due_ns(self) -> int | None:
        """Return when to look for an image, where no file descriptor tells."""
        ...

    def retrieve(self, claim: Claim) -> Grab | None:
        """Copy the next image to what `claim` gives; None when there is none yet.

        Raises
        ------
        DeviceError
            If the image has another shape than was agreed.
        """
        ...

    def ready(self) -> bool:
        """Tell whether a trigger would be heard: the last exposure has ended."""
        ...

    def trigger(self, trigger: Trigger) -> None:
        """Expose now, on behalf of that trigger."""
        ...

    def latch(self) -> tuple[int, int, int] | None:
        """Ask the camera for its time: device, sent and received ns; None if mute."""
        ...

    def removed(self) -> bool:
        """Tell whether the camera was unplugged."""
        ...

    def stop(self) -> None:
        """Stop acquiring; what was not retrieved is gone."""
        ...

    def close(self) -> None:
        """Let go of the camera; may be called twice."""
        ...
