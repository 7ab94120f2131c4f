"""Basler's driver: the one file that imports pypylon, and only when asked.

Behind it is a camera, or Basler's own emulator (`emulator` in the rig file), whose
number of cameras must be told before the import, and which paces itself by
ExposureTimeAbs whatever ExposureTime says.
"""

from __future__ import annotations

import os
import re
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rig.devices.device_claim import DeviceClaim
from rig.devices.pylon_camera import NodeMap, PylonCamera, say
from rig.devices.pylon_settings import apply_settings, settings_of, too_slow
from rig.errors import DeviceError

if TYPE_CHECKING:
    from pathlib import Path

    from rig.config.rig import BaslerConfig
    from sync.clock import Clock

__all__ = ["connect_pylon"]

_EMULATOR = "BaslerCamEmu"
_EMULATED_SERIAL = re.compile(r"0815-(\d{4})")


def connect_pylon(config: BaslerConfig, rate_hz: float, clock: Clock) -> PylonCamera:
    """Open a camera by its serial number and set it up as the rig file says.

    Parameters
    ----------
    config
        The camera's section of the rig file.
    rate_hz
        Frames per second.
    clock
        Host clock.

    Raises
    ------
    DeviceError
        If it is not there, is held by another program, or does not take a setting;
        all settings that it does not take are listed.
    BusyError
        If another process of ours holds it.
    """
    pylon, genicam = _load(config)
    claim = DeviceClaim(config.kind, config.serial)
    try:
        camera = _find(pylon, genicam, config)
    except DeviceError:
        claim.release()
        raise
    try:
        features = _open(pylon, genicam, camera, config)
        _set_up(features, config, rate_hz)
        return PylonCamera(pylon, genicam, camera, features, config, clock, claim)
    except genicam.GenericException as error:
        _give_back(camera, claim)
        msg = f"Expected to set up camera {config.serial}, got: {say(error)}"
        raise DeviceError(msg) from error
    except DeviceError:
        _give_back(camera, claim)
        raise


def _give_back(camera: Any, claim: DeviceClaim) -> None:
    camera.Close()
    camera.DestroyDevice()
    claim.release()


def _load(config: BaslerConfig) -> tuple[Any, Any]:
    """Import pypylon, with as many emulated cameras as the serial number asks for."""
    if config.emulator is not None:
        match = _EMULATED_SERIAL.fullmatch(config.serial)
        if match is None:
            msg = (
                "Expected the serial number of an emulated camera, 0815-0000 to "
                f"0815-0255, got {config.serial!r}: use one, or remove emulator"
            )
            raise DeviceError(msg)
        wanted = max(int(match[1]) + 1, int(os.environ.get("PYLON_CAMEMU") or 0))
        os.environ["PYLON_CAMEMU"] = str(wanted)
    try:
        with warnings.catch_warnings():
            # its wrapper warns while it is loaded, and crashes if that is an error
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module("pypylon.pylon"), import_module("pypylon.genicam")
    except ImportError as error:
        msg = f"Expected Basler's pypylon, got {error}: install springhare anew"
        raise DeviceError(msg) from error


def _find(pylon: Any, genicam: Any, config: BaslerConfig) -> Any:
    factory = pylon.TlFactory.GetInstance()
    wanted = pylon.DeviceInfo()
    wanted.SetSerialNumber(config.serial)
    if config.emulator is not None:
        wanted.SetDeviceClass(_EMULATOR)
    try:
        return pylon.InstantCamera(factory.CreateFirstDevice(wanted))
    except genicam.GenericException as error:
        there = [info.GetSerialNumber() for info in factory.EnumerateDevices()]
        if config.serial in there:
            msg = (
                f"Expected camera {config.serial} to be free, got: {say(error)}: "
                "close pylon Viewer and other programs that hold it"
            )
        else:
            msg = (
                f"Expected a Basler camera with serial number {config.serial}, got "
                f"{', '.join(there) or 'no camera'}: check cable and power, or serial "
                "in the rig file"
            )
        raise DeviceError(msg) from error


def _open(pylon: Any, genicam: Any, camera: Any, config: BaslerConfig) -> NodeMap:
    if config.emulator is not None:
        camera.GrabCameraEvents.Value = True  # only while it is closed
    camera.Open()
    features = NodeMap(genicam, camera.GetNodeMap())
    if config.pfs_file is not None:
        path = config.pfs_file.expanduser()
        if not path.is_file():
            msg = f"Expected camera settings in {path}, got no file: mend pfs_file"
            raise DeviceError(msg)
        pylon.FeaturePersistence.Load(str(path), camera.GetNodeMap(), True)
    if config.emulator is not None:
        _play(features, config.emulator.pictures)
    return features


def _play(features: NodeMap, pictures: Path | None) -> None:
    """Let the emulator play a folder of pictures, in order of their names."""
    if pictures is None:
        features.set("ImageFileMode", "Off")
        features.set("TestImageSelector", "Testimage1")
        return
    folder = pictures.expanduser().absolute()
    if not folder.is_dir() or not any(folder.iterdir()):
        msg = f"Expected a folder of pictures at {folder}, got none: mend emulator"
        raise DeviceError(msg)
    features.set("TestImageSelector", "Off")
    features.set("ImageFilename", str(folder))
    features.set("ImageFileMode", "On")


def _set_up(features: NodeMap, config: BaslerConfig, rate_hz: float) -> None:
    faults = apply_settings(features, settings_of(config, rate_hz, features))
    faults.extend(too_slow(features, rate_hz))
    if faults:
        msg = f"Expected camera {config.serial} to be as in the rig file, got"
        raise DeviceError(f"{msg}:\n  " + "\n  ".join(faults))
