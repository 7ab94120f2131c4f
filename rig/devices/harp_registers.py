"""The board's registers, made from ``firmware/device.yml``, the single source.

Harp's own package turns the file into register classes; this module adds what the
host needs beside them: the digest by which a board of another map is refused, and
the constants for the firmware (``python -m rig.devices.harp_registers`` writes
them, a test holds them to the file).
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harp.device.schema import create_device_module, parse_device_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BLOCK_SAMPLES",
    "CAMERA_TRIGGER_LINE",
    "EMG_CHANNELS",
    "FIRMWARE_VERSION",
    "FORCE_CHANNELS",
    "HEADER_PATH",
    "INPUT_LINES",
    "MAP_DIGEST",
    "NO_DEADLINE_US",
    "NO_KEY",
    "OUTPUT_LINES",
    "SYNC_LINE",
    "cpp_header",
    "input_line",
    "output_line",
    "registers",
]

_FOLDER = Path(__file__).parent / "firmware"
_TEXT = (_FOLDER / "device.yml").read_bytes()
_MODEL = parse_device_schema(_TEXT)

HEADER_PATH = _FOLDER / "springhare_daq" / "registers.h"
"""The firmware's constants, made from the map."""

registers: Any = create_device_module(_TEXT)
"""Register classes by name, e.g. ``registers.Emg``, and the map's enumerations."""

BLOCK_SAMPLES = 10
"""Samples in a block."""
EMG_CHANNELS = 8
FORCE_CHANNELS = 6
INPUT_LINES = int(registers.Lines.OUTPUT0)
"""Number of input lines; the outputs' numbers follow."""
CAMERA_TRIGGER_LINE = int(registers.Lines.CAMERA_TRIGGER)
SYNC_LINE = int(registers.Lines.SYNC)
OUTPUT_LINES = CAMERA_TRIGGER_LINE - INPUT_LINES
"""Number of actuator outputs."""
NO_DEADLINE_US = (1 << 64) - 1
"""`NotAfter` of a pulse that may begin at any time."""
NO_KEY = 255
"""`KeyLine` of a board without a key."""

_major, _, _minor = (_MODEL.firmwareVersion or "").partition(".")
FIRMWARE_VERSION = (int(_major), int(_minor))
"""Version that the map belongs to: the board's major must be equal, its minor not
lower."""

_PREFIXES = {
    "StreamFlags": "STREAM",
    "OutputFlags": "OUTPUT",
    "Lines": "LINE",
    "CommandStatus": "STATUS",
}
_TYPE_CODES = {
    "U8": 0x01,
    "S8": 0x81,
    "U16": 0x02,
    "S16": 0x82,
    "U32": 0x04,
    "S32": 0x84,
    "U64": 0x08,
    "S64": 0x88,
    "Float": 0x44,
}


def input_line(pin: int) -> int:
    """Return the number of the line at an input pin of the board."""
    return int(registers.Lines.INPUT0) + pin


def output_line(pin: int) -> int:
    """Return the number of the line at an output pin of the board."""
    return int(registers.Lines.OUTPUT0) + pin


def _masks() -> Iterator[tuple[str, str, int]]:
    for kind, masks in (("bits", _MODEL.bitMasks), ("values", _MODEL.groupMasks)):
        for name, mask in (masks or {}).items():
            for key, value in getattr(mask, kind).items():
                inner = value.root
                yield name, key, inner if isinstance(inner, int) else inner.value


def _canonical() -> str:
    """Return all that host and board must agree on, and nothing else, as text."""
    lines = [f"{_MODEL.device} {_MODEL.whoAmI}"]
    for name, register in _MODEL.registers.items():
        lines.append(f"{register.address} {name} {register.type.value}")
        lines.append(str(register.length or 1))
        for key, member in (register.payloadSpec or {}).items():
            lines.append(f"{key} {member.offset} {member.length or 1} {member.mask}")
    lines += [f"{name}.{key} {value}" for name, key, value in _masks()]
    return "\n".join(lines)


MAP_DIGEST = zlib.crc32(_canonical().encode())
"""CRC-32 of the map; the board answers with its own."""


def _screaming(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def cpp_header() -> str:
    """Return the text of ``registers.h``."""
    own = _MODEL.registers
    hardware = (_MODEL.hardwareTargets or "").split(".")
    lines = [
        "// Made from device.yml by `python -m rig.devices.harp_registers`: edit that.",
        "#pragma once",
        "#include <stdint.h>",
        "",
        "namespace springhare {",
        "",
        "struct Register {",
        "  uint8_t address;",
        "  uint8_t type;  // Harp's code: the low half is the size of an element",
        "  uint8_t count;",
        "};",
        "",
        f'constexpr char DEVICE_NAME[] = "{_MODEL.device}";',
        f"constexpr uint16_t WHO_AM_I = {_MODEL.whoAmI};",
        f"constexpr uint8_t FIRMWARE_MAJOR = {FIRMWARE_VERSION[0]};",
        f"constexpr uint8_t FIRMWARE_MINOR = {FIRMWARE_VERSION[1]};",
        f"constexpr uint8_t HARDWARE_MAJOR = {hardware[0]};",
        f"constexpr uint8_t HARDWARE_MINOR = {hardware[1]};",
        f"constexpr uint32_t DIGEST = 0x{MAP_DIGEST:08X};",
        "",
    ]
    for name, register in own.items():
        code = _TYPE_CODES[register.type.value]
        values = f"{register.address}, 0x{code:02X}, {register.length or 1}"
        lines.append(f"constexpr Register {_screaming(name)}{{{values}}};")
    lines.append("")
    for name, register in own.items():
        for suffix, limit in (
            ("LEAST", register.minValue),
            ("MOST", register.maxValue),
        ):
            if limit is not None:
                constant = f"{_screaming(name)}_{suffix}"
                lines.append(f"constexpr uint32_t {constant} = {int(limit.root)};")
    lines.append("")
    for mask, key, value in _masks():
        lines.append(
            f"constexpr uint8_t {_PREFIXES[mask]}_{_screaming(key)} = {value};"
        )
    lines += [
        "",
        "// The register of an address; null when the map has none.",
        "inline const Register* find_register(uint8_t address) {",
        "  switch (address) {",
        *(
            f"    case {register.address}: return &{_screaming(name)};"
            for name, register in own.items()
        ),
        "    default: return nullptr;",
        "  }",
        "}",
        "",
        "}  // namespace springhare",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    HEADER_PATH.write_text(cpp_header(), encoding="ascii")
