"""A Basler camera that runs, behind the seam of `CameraDriver`.

Basler's emulator differs from a camera in what this file mends: it stamps frames only
in events (with the host's own clock), swallows a trigger that comes too early, and
after a removal goes on to send images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rig.devices.camera_driver import CameraGoneError, CameraInfo, Grab, IdRule
from rig.devices.pylon_settings import exposure_us
from rig.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.config.rig import BaslerConfig
    from rig.devices.camera_driver import Claim
    from rig.devices.device_claim import DeviceClaim
    from rig.devices.pylon_settings import Value
    from rig.devices.triggers import Trigger
    from sync.clock import Clock

__all__ = ["NodeMap", "PylonCamera", "say"]

_NO_ID = 2**64 - 1
_TICKS_PER_S = 1_000_000_000
_READY_MS = 1000
_EVENTS_KEPT = 64
_EVENT = "EventExposureEnd"


_BUFFER_BYTES = 128_000_000
_BUFFERS = (8, 64)


class NodeMap:
    """A camera's features by name."""

    def __init__(self, genicam: Any, nodes: Any) -> None:
        self._genicam = genicam
        self._nodes = nodes

    def has(self, name: str) -> bool:
        """Tell whether the camera has a feature now."""
        node = self._nodes.GetNode(name)
        return node is not None and self._genicam.IsAvailable(node)

    def get(self, name: str) -> Value:
        """Return a feature's value."""
        try:
            return self._nodes.GetNode(name).Value
        except self._genicam.GenericException as error:
            raise DeviceError(say(error)) from error

    def set(self, name: str, value: Value) -> None:
        """Write a feature, unless it is so already."""
        node = self._nodes.GetNode(name)
        try:
            if not self._genicam.IsWritable(node) and node.Value == value:
                return
            node.Value = value
        except self._genicam.GenericException as error:
            raise DeviceError(say(error)) from error

    def choices(self, name: str) -> Sequence[str]:
        """Return what an enumeration can be."""
        return [*self._nodes.GetNode(name).Symbolics] if self.has(name) else []

    def execute(self, name: str) -> None:
        """Carry out a command."""
        self._nodes.GetNode(name).Execute()


class PylonCamera:
    """A camera that is open and set up; see `CameraDriver`."""

    def __init__(
        self,
        pylon: Any,
        genicam: Any,
        camera: Any,
        features: NodeMap,
        config: BaslerConfig,
        clock: Clock,
        claim: DeviceClaim,
    ) -> None:
        self._pylon = pylon
        self._error = genicam.GenericException
        self._camera: Any = camera
        self._features = features
        self._clock = clock
        self._claim = claim
        self._triggered = config.trigger.mode == "software"
        self._emulated = config.emulator is not None
        self._tells_ready = bool(camera.CanWaitForFrameTriggerReady())
        self._ends: dict[int, int] = {}
        self._handler: Any = self._listen() if self._emulated else None
        self._ticks_per_s = _ticks_per_s(features)
        self.info = CameraInfo(
            model=camera.GetDeviceInfo().GetModelName(),
            serial=config.serial,
            ids=_id_rule(camera, features),
            exposure_ns=round(exposure_us(features) * 1e3),
            stamp="exposure_end" if self._emulated else "exposure_start",
        )

    def start(self) -> None:
        """Begin to acquire; a camera triggered by software is ready then."""
        pylon = self._pylon
        least, most = _BUFFERS
        size = max(int(self._features.get("PayloadSize")), 1)
        buffers = min(max(_BUFFER_BYTES // size, least), most)
        try:
            self._camera.MaxNumBuffer.Value = buffers
            self._camera.StartGrabbing(
                pylon.GrabStrategy_OneByOne, pylon.GrabLoop_ProvidedByUser
            )
            if self._triggered and self._tells_ready:
                self._camera.WaitForFrameTriggerReady(
                    _READY_MS, pylon.TimeoutHandling_Return
                )
        except self._error as error:
            raise self._gone(error) from error

    def file_descriptor(self) -> int | None:
        """Return what becomes readable when an image is there."""
        return self._camera.GetGrabResultWaitObject().GetFd()

    def due_ns(self) -> int | None:
        """Return None: the file descriptor tells."""
        return None

    def retrieve(self, claim: Claim) -> Grab | None:
        """Copy the next image to what `claim` gives; None when there is none yet."""
        pylon = self._pylon
        try:
            result = self._camera.RetrieveResult(0, pylon.TimeoutHandling_Return)
            if not result.IsValid():
                return None
            with result:
                return self._read(result, claim)
        except self._error as error:
            raise self._gone(error) from error

    def ready(self) -> bool:
        """Tell whether a trigger would be heard."""
        if not self._tells_ready:
            return True
        how = self._pylon.TimeoutHandling_Return
        try:
            return self._camera.WaitForFrameTriggerReady(0, how)
        except self._error as error:
            raise self._gone(error) from error

    def trigger(self, trigger: Trigger) -> None:
        """Expose now."""
        del trigger
        try:
            self._camera.ExecuteSoftwareTrigger()
        except self._error as error:
            raise self._gone(error) from error

    def latch(self) -> tuple[int, int, int] | None:
        """Ask the camera for its time; the emulator has the host's."""
        if self._emulated:
            now_ns = self._clock.now()
            return now_ns, now_ns, now_ns
        for command, value in (
            ("TimestampLatch", "TimestampLatchValue"),
            ("GevTimestampControlLatch", "GevTimestampValue"),
        ):
            if self._features.has(command) and self._features.has(value):
                return self._ask(command, value)
        return None

    def removed(self) -> bool:
        """Tell whether the camera was unplugged."""
        return bool(self._camera.IsCameraDeviceRemoved())

    def stop(self) -> None:
        """Stop acquiring."""
        try:
            self._camera.StopGrabbing()
        except self._error as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Let go of the camera; may be called twice, and of one that is gone."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            if self._handler is not None and camera.IsPylonDeviceAttached():
                camera.DeregisterCameraEventHandler(self._handler, f"{_EVENT}Timestamp")
            camera.StopGrabbing()
            camera.Close()
            camera.DestroyDevice()
        except self._error:
            camera.DestroyDevice()  # the camera is gone, and cannot be told
        self._handler = None
        self._claim.release()

    def _read(self, result: Any, claim: Claim) -> Grab:
        arrival_ns = self._clock.now()
        number = result.BlockID
        whole = result.GrabSucceeded()
        if whole:
            with result.GetArrayZeroCopy() as image:
                target = claim()
                if image.shape != target.shape or image.dtype != target.dtype:
                    raise DeviceError(_other_shape(image, target))
                target[...] = image
                del image
        return Grab(
            block_id=-1 if number == _NO_ID else number,
            device_ns=self._stamp(result, number),
            arrival_ns=arrival_ns,
            skipped=result.NumberOfSkippedImages,
            error="" if whole else result.ErrorDescription or hex(result.ErrorCode),
        )

    def _stamp(self, result: Any, number: int) -> int:
        if self._emulated:
            return self._ends.pop(number, -1)
        ticks = result.TimeStamp
        return ticks * _TICKS_PER_S // self._ticks_per_s if ticks > 0 else -1

    def _ask(self, command: str, value: str) -> tuple[int, int, int]:
        try:
            sent_ns = self._clock.now()
            self._features.execute(command)
            received_ns = self._clock.now()
        except self._error as error:
            raise self._gone(error) from error
        ticks = int(self._features.get(value))
        return ticks * _TICKS_PER_S // self._ticks_per_s, sent_ns, received_ns

    def _listen(self) -> Any:
        """Take the emulator's events, which come within `RetrieveResult`."""
        ends, nodes = self._ends, self._camera.GetNodeMap()
        frame, stamp = nodes.GetNode(f"{_EVENT}FrameID"), f"{_EVENT}Timestamp"
        end = nodes.GetNode(stamp)

        class Handler(self._pylon.CameraEventHandler):
            def OnCameraEvent(self, camera: Any, number: int, node: Any) -> None:  # noqa: N802
                """Note when an exposure ended."""
                del camera, number, node
                ends[frame.Value] = end.Value
                if len(ends) > _EVENTS_KEPT:
                    del ends[min(ends)]

        handler = Handler()
        pylon = self._pylon
        self._camera.RegisterCameraEventHandler(
            handler, stamp, 1, pylon.RegistrationMode_Append, pylon.Cleanup_None
        )
        self._features.set("EventSelector", "ExposureEnd")
        self._features.set("EventNotification", "On")
        return handler

    def _gone(self, error: Exception) -> CameraGoneError:
        return CameraGoneError(f"camera {self.info.serial}: {say(error)}")


def _id_rule(camera: Any, features: NodeMap) -> IdRule:
    """Return how the transport numbers frames, the long way where there is a choice."""
    if not camera.IsGigE():
        return IdRule(first=0)
    if features.has("GevGVSPExtendedIDMode"):
        features.set("GevGVSPExtendedIDMode", "On")
        return IdRule(first=1)
    return IdRule(first=1, last=65535)


def _ticks_per_s(features: NodeMap) -> int:
    name = "GevTimestampTickFrequency"
    return int(features.get(name)) if features.has(name) else _TICKS_PER_S


def _other_shape(image: Any, target: Any) -> str:
    return (
        f"Expected images of {target.shape} {target.dtype}, got {image.shape} "
        f"{image.dtype}: make width_px, height_px and pixel_format fit the camera, or "
        "the emulator's pictures"
    )


def say(error: Exception) -> str:
    """Return what a driver's exception says, without where it was thrown."""
    return str(error).partition(" : ")[0].strip()
