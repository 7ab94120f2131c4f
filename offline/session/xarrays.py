"""Streams as datasets of xarray.

Poses have the layout of `movement` up to 0.16: `position` (time, space, keypoints,
individuals) and `confidence` (time, keypoints, individuals), with its attributes.
`movement` 0.17 calls the dimensions by the singular; there
``dataset.rename(keypoints="keypoint", individuals="individual")`` does it.

A pose stands where its frame was; frames that no pose was made of are left out.
`movement`'s filters count rows, so that they want every frame; this puts them in,
empty::

    poses = session.resample("poses/left", "cameras/left", "nearest", max_gap_s=0.0)
    dataset = session.to_xarray(poses)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from xarray import Dataset

    from offline.session.data import StreamData, StreamInfo
    from rig.recording.sidecar import SessionInfo

__all__ = ["to_xarray"]


def to_xarray(data: StreamData, session: SessionInfo, reference: str) -> Dataset:
    """Return a stream as a dataset over `time`, in s since the session's start.

    Signals are `signal` (time, channel) with the units of each channel; frames are
    `frame_id` and `present`, all else is one variable for each column of the rows.
    `time_sd_ns` goes along with the time.

    Raises
    ------
    SpringhareError
        If xarray is not installed.
    """
    try:
        from xarray import Dataset
    except ImportError as error:
        msg = (
            "Expected xarray to make a dataset with, it is not installed: "
            'pip install "springhare[offline]"'
        )
        raise SpringhareError(msg) from error
    variables, coordinates, attributes = _CONTENTS.get(data.info.kind, _rows)(data)
    if data.info.kind == "poses":
        coordinates["individuals"] = [session.subject]
    return Dataset(
        variables,
        coords={
            "time": ("time", data.time_s, {"units": "s"}),
            "time_sd_ns": ("time", data.sd_ns),
            **coordinates,
        },
        attrs={
            "time_unit": "seconds",
            "session_id": session.session_id,
            "started_utc": session.started_utc,
            "stream": data.name,
            "clock": data.info.clock,
            "reference_clock": reference,
            **_rate(data.info),
            **attributes,
        },
    )


def _rate(info: StreamInfo) -> dict[str, float]:
    name = "fps" if info.kind == "poses" else "rate_hz"
    return {name: info.rate_hz} if info.rate_hz else {}


_Contents = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
"""Variables, coordinates, attributes."""


def _poses(data: StreamData) -> _Contents:
    keypoints = data.values[..., None]
    variables = {
        "position": (
            ("time", "space", "keypoints", "individuals"),
            keypoints[:, :, :2].swapaxes(1, 2),
        ),
        "confidence": (("time", "keypoints", "individuals"), keypoints[:, :, 2]),
    }
    coordinates = {"space": ["x", "y"], "keypoints": list(data.channels)}
    attributes = {
        "ds_type": "poses",
        "source_software": "springhare",
        "model": str(data.info.attributes.get("model", "")),
        "space_unit": "px",
    }
    return variables, coordinates, attributes


def _signals(data: StreamData) -> _Contents:
    coordinates = {
        "channel": list(data.channels),
        "unit": ("channel", list(data.units)),
    }
    return {"signal": (("time", "channel"), data.values)}, coordinates, {}


def _frames(data: StreamData) -> _Contents:
    variables = {"frame_id": ("time", data.values), "present": ("time", data.present)}
    return variables, {}, {}


def _rows(data: StreamData) -> _Contents:
    variables: dict[str, Any] = {"present": ("time", data.present)}
    for name in data.values.dtype.names or ():
        column = data.values[name]
        variables[name] = (
            "time",
            column.astype("U") if column.dtype.kind == "S" else column,
        )
    return variables, {}, {}


_CONTENTS = {"poses": _poses, "samples": _signals, "frames": _frames}
