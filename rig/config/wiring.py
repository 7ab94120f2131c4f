"""What must fit together inside one file, checked on plain data.

Plain data, because these checks are made on files that have other faults too:
all are to be told at once. What is not of the right type is passed over here;
the models tell that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from rig.config.base import Fault, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["rig_faults", "section", "task_faults"]

_HUGE = 1e18
"""No quantity of a rig is as big; infinite is told elsewhere."""
_MOST_DITHER = 0.1
"""Of the period: no two triggers come nearer than 0.8 of it."""
_NODES = ("inference", "recorder")
"""Of every rig, beside its devices."""
_RESERVED = (*_NODES, "supervisor", "experimenter")
_BY_HAND = "by_hand"
"""As a decision's rule in the contract: a pulse that a person asked for."""


def section(plain: Any, *keys: str) -> Mapping[str, Any]:
    """Return a section of plain data; an empty one where there is none."""
    for key in keys:
        plain = cast("Mapping[str, Any]", plain).get(key) if _is_map(plain) else None
    return cast("Mapping[str, Any]", plain) if _is_map(plain) else {}


def rig_faults(rig: Mapping[str, Any]) -> list[Fault]:
    """Return what does not fit together in a rig file.

    Parameters
    ----------
    rig
        The file's content as plain data, whether valid or not.
    """
    devices = {name: section(rig, "devices", name) for name in section(rig, "devices")}
    return [
        *_reserved(devices),
        *_shared_hardware(devices),
        *_actuators(devices),
        *_keys(devices),
        *_triggers(devices),
        *_sync_lines(devices),
        *_exposure_lines(devices),
        *_leds(devices),
        *_test_pulses(devices),
        *_delays(devices, section(rig, "simulation", "delays_us")),
        *_realtime(devices, section(rig, "realtime")),
        *(fault for name in devices for fault in _lines(name, devices[name])),
    ]


def task_faults(task: Mapping[str, Any]) -> list[Fault]:
    """Return what does not fit together in a task file.

    Parameters
    ----------
    task
        The file's content as plain data, whether valid or not.
    """
    cameras = _texts(section(task, "inference").get("cameras"))
    rules = list(enumerate(_list(task.get("rules"))))
    return [
        *_twice(
            (("inference", "cameras", k), camera) for k, camera in enumerate(cameras)
        ),
        *_twice(
            (("inference", "space", "cameras", k), camera)
            for k, camera in enumerate(
                _texts(section(task, "inference", "space").get("cameras"))
            )
        ),
        *_twice((("rules", k, "name"), section(rule).get("name")) for k, rule in rules),
        *(
            Fault(
                ("rules", k, "name"),
                f"expected a name other than {_BY_HAND}, which stands for pulses that "
                "a person asks for: choose another",
            )
            for k, rule in rules
            if section(rule).get("name") == _BY_HAND
        ),
        *_box(("inference", "crop_px"), section(task, "inference").get("crop_px")),
        *(
            Fault(
                ("rules", k, "camera"),
                f"expected one of inference.cameras ({', '.join(cameras) or 'none'}), "
                f"got {section(rule)['camera']!r}",
            )
            for k, rule in rules
            if section(rule).get("camera") not in (*cameras, None)
        ),
    ]


def _reserved(devices: Mapping[str, Any]) -> Iterator[Fault]:
    for name in devices:
        if name in _RESERVED:
            yield Fault(
                ("devices", name),
                f"expected a name other than {', '.join(_RESERVED)}, which springhare "
                "uses itself: choose another",
            )


def _shared_hardware(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    for key in ("serial", "port"):
        places = ((("devices", name, key), devices[name].get(key)) for name in devices)
        yield from _twice(places)


def _actuators(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    owners = [name for name in devices if section(devices[name], "actuator")]
    for name in owners[1:]:
        yield Fault(
            ("devices", name, "actuator"),
            f"expected at most one actuator in a rig, got {', '.join(owners)}: give "
            f"its lines to {owners[0]}",
        )


def _keys(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Tell of keys that are wired to no input, or of which half is not recorded."""
    for name, device in devices.items():
        key = section(device, "actuator").get("arm_line")
        if not isinstance(key, str):
            continue
        lines = section(device, "inputs", "lines")
        if key not in lines:
            yield Fault(
                ("devices", name, "actuator", "arm_line"),
                f"expected an input line of {name} ({', '.join(lines) or 'it has none'}"
                f"), got {key!r}",
            )
        elif section(lines, key).get("edges") != "both":
            yield Fault(
                ("devices", name, "inputs", "lines", key, "edges"),
                "expected both: each turn of the key is recorded",
            )


def _triggers(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    sources = {
        name: section(device, "camera_trigger")
        for name, device in devices.items()
        if device.get("camera_trigger") is not None
    }
    for name, device in devices.items():
        trigger = section(device, "trigger")
        source = trigger.get("source")
        if isinstance(source, str) and source not in sources:
            known = ", ".join(sources) or "there is none"
            yield Fault(
                ("devices", name, "trigger", "source"),
                f"expected a harp device with a camera_trigger ({known}), got "
                f"{source!r}",
            )
        train = sources.get(str(source), trigger)
        rate_hz = _number(train.get("rate_hz"))
        exposure_us = _number(device.get("exposure_us"))
        # two neighbours may be moved towards one another
        nearer_us = 2 * _number(train.get("dither_us"))
        if (exposure_us + nearer_us) * rate_hz >= 1e6:
            least_us = 1e6 / rate_hz - nearer_us
            yield Fault(
                ("devices", name, "exposure_us"),
                f"expected less than the frame period of {least_us:.0f} us at "
                f"{rate_hz:g} Hz, got {exposure_us:g}: the camera would swallow "
                "triggers; expose for less, or lower the rate",
            )
    for name, train in sources.items():
        dither_us = _number(train.get("dither_us"))
        rate_hz = _number(train.get("rate_hz"))
        if dither_us * rate_hz > _MOST_DITHER * 1e6:
            yield Fault(
                ("devices", name, "camera_trigger", "dither_us"),
                f"expected at most a tenth of the period of {1e6 / rate_hz:.0f} us, "
                f"got {dither_us:g}: cameras would be triggered faster than they can "
                "follow",
            )


def _sync_lines(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Tell of sync lines whose two ends do not fit."""
    sources = [name for name in devices if devices[name].get("sync_line") is not None]
    for name in sources:
        line = section(devices[name], "sync_line")
        bar_ms = _number(section(line, "barcode").get("bar_ms", 20))
        width_ms = _number(line.get("pulse_width_ms", 10))
        if line.get("barcode", True) is not None and bar_ms < 2 * width_ms:
            yield Fault(
                ("devices", name, "sync_line", "barcode"),
                f"expected bars of at least twice the pulse_width_ms of {width_ms:g}, "
                f"got {bar_ms:g}: their widths tell pulses and bars apart",
            )
    known = ", ".join(sources) or "there is none"
    for name, device in devices.items():
        for line, settings in section(device, "inputs", "lines").items():
            wire = section(settings)
            source = wire.get("sync_source")
            path = ("devices", name, "inputs", "lines", line)
            if isinstance(source, str) and source not in sources:
                yield Fault(
                    (*path, "sync_source"),
                    f"expected a harp device with a sync_line ({known}), got "
                    f"{source!r}",
                )
            elif isinstance(source, str) and wire.get("edges") != "both":
                yield Fault(
                    (*path, "edges"),
                    "expected both: a sync line is read by the widths of its pulses",
                )


def _exposure_lines(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Tell of inputs that are wired to no camera's output."""
    cameras = [name for name in devices if devices[name].get("output_line") is not None]
    known = ", ".join(cameras) or "there is none"
    for name, device in devices.items():
        for line, settings in section(device, "inputs", "lines").items():
            camera = section(settings).get("exposure_of")
            if isinstance(camera, str) and camera not in cameras:
                yield Fault(
                    ("devices", name, "inputs", "lines", line, "exposure_of"),
                    f"expected a camera with an output_line ({known}), got {camera!r}",
                )


def _leds(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Tell of LEDs that no line drives, or that a camera cannot see."""
    for name, device in devices.items():
        led = section(device, "led")
        if not led:
            continue
        path = ("devices", name, "led")
        yield from _output(devices, path, led.get("source"), led.get("line"))
        width, height = (_number(device.get(key)) for key in ("width_px", "height_px"))
        x, y = (_number(led.get(key, -1)) for key in ("x_px", "y_px"))
        radius = _number(led.get("radius_px", 4))
        seen = radius <= x <= width - radius and radius <= y <= height - radius
        if min(x, y) >= 0 and not seen:
            yield Fault(
                path,
                f"expected a spot inside the picture of {width:g} x {height:g} px, got "
                f"one at {x:g}, {y:g} with a radius of {radius:g}",
            )


def _test_pulses(devices: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Tell of test pulses without a line, or without a channel to show them."""
    for name, device in devices.items():
        for part in ("emg", "force_plate"):
            pulse = section(device, part, "test_pulse")
            if not pulse:
                continue
            path = ("devices", name, part, "test_pulse")
            source = name if pulse.get("source") is None else pulse["source"]
            yield from _output(devices, path, source, pulse.get("line"))
            channels = _texts(section(device, part).get("channels"))
            channel = pulse.get("channel")
            if channels and isinstance(channel, str) and channel not in channels:
                yield Fault(
                    (*path, "channel"),
                    f"expected one of the channels ({', '.join(channels)}), got "
                    f"{channel!r}",
                )


def _output(
    devices: Mapping[str, Mapping[str, Any]],
    path: tuple[str | int, ...],
    source: Any,
    line: Any,
) -> Iterator[Fault]:
    """Tell if a device has no output of that name."""
    if not isinstance(source, str) or not isinstance(line, str):
        return
    outputs = {name: _outputs(device) for name, device in devices.items()}
    if not outputs.get(source):
        known = ", ".join(name for name in outputs if outputs[name]) or "there is none"
        yield Fault(
            (*path, "source"),
            f"expected a harp device with a sync_line or an actuator ({known}), got "
            f"{source!r}",
        )
    elif line not in outputs[source]:
        yield Fault(
            (*path, "line"),
            f"expected an output line of {source} ({', '.join(outputs[source])}), got "
            f"{line!r}",
        )


def _outputs(device: Mapping[str, Any]) -> list[str]:
    """Return the lines that a board drives by its own sync line or by command."""
    lines = list(section(device, "actuator", "lines"))
    if device.get("sync_line") is not None:
        lines.insert(0, str(section(device, "sync_line").get("line", "sync")))
    return lines


def _realtime(
    devices: Mapping[str, Any], realtime: Mapping[str, Any]
) -> Iterator[Fault]:
    nodes = (*devices, *_NODES)
    for name in realtime:
        if name not in nodes:
            text = f"expected a node ({', '.join(nodes)}), got {name!r}"
            yield Fault(("realtime", name), text)


def _delays(
    devices: Mapping[str, Mapping[str, Any]], delays_us: Mapping[str, Any]
) -> Iterator[Fault]:
    """Tell of simulated delays of what is not there."""
    known = [name for name, device in devices.items() if device.get("kind") != "harp"]
    for name, device in devices.items():
        known += [
            f"{name}/{part}"
            for part in ("emg", "force_plate")
            if device.get(part) is not None
        ]
    for stream in delays_us:
        if stream not in known:
            yield Fault(
                ("simulation", "delays_us", stream),
                f"expected a camera or a signal ({', '.join(known) or 'none'}), got "
                f"{stream!r}",
            )


def _lines(name: str, device: Mapping[str, Any]) -> Iterator[Fault]:
    """Each line of a board has one name and one pin."""
    at = ("devices", name)
    named: list[tuple[tuple[str | int, ...], Any]] = []
    for part in ("inputs", "actuator"):
        lines = section(device, part, "lines")
        named += [((*at, part, "lines", line), line) for line in lines]
        yield from _twice(
            ((*at, part, "lines", line, "pin"), section(lines, line).get("pin"))
            for line in lines
        )
    for part, usual in (("camera_trigger", "camera_trigger"), ("sync_line", "sync")):
        if device.get(part) is not None:
            line = section(device, part).get("line", usual)
            named.append(((*at, part, "line"), line))
    yield from _twice(named)


def _twice(places: Iterable[tuple[tuple[str | int, ...], Any]]) -> Iterator[Fault]:
    """Tell of values that stand in more than one place."""
    seen: dict[Any, list[tuple[str | int, ...]]] = defaultdict(list)
    for path, value in places:
        if isinstance(value, str | int):
            seen[value].append(path)
    for value, paths in seen.items():
        for path in paths[1:]:
            text = f"expected each only once, got {value!r} as in {dotted(paths[0])}"
            yield Fault(path, text)


def _box(path: tuple[str | int, ...], box: Any) -> Iterator[Fault]:
    corners = [_number(value) for value in _list(box)]
    if len(corners) == 4 and not (corners[0] < corners[2] and corners[1] < corners[3]):
        yield Fault(
            path, f"expected x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {corners}"
        )


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and abs(value) < _HUGE else 0


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return cast("Sequence[Any]", value)
    return ()


def _texts(value: Any) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]
