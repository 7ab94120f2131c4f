"""A picture's world number, burnt into its corner as black and white cells.

Truth is keyed by picture: whatever an emulator or a network did to the order of
frames, the number in the pixels says which moment of the world a frame shows.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import DeviceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODE_HEIGHT_PX", "CODE_WIDTH_PX", "MAX_NUMBER", "burn_code", "read_code"]

_CELL_PX = 4
_COLUMNS, _ROWS = 10, 4
CODE_WIDTH_PX = _COLUMNS * _CELL_PX
CODE_HEIGHT_PX = _ROWS * _CELL_PX
MAX_NUMBER = 2**24 - 1
_BLACK, _WHITE = 16, 240
_DARK, _LIGHT = 80, 176
"""Mean level of a cell below and above which it is a bit; between, it is none."""


def burn_code(image: NDArray[np.uint8], number: int) -> None:
    """Write a number into the upper left corner of a picture.

    Parameters
    ----------
    image
        (height, width) or (height, width, 3) uint8, changed in place.
    number
        0 to `MAX_NUMBER`.

    Raises
    ------
    DeviceError
        If the number or the picture does not fit.
    """
    if not 0 <= number <= MAX_NUMBER:
        msg = f"Expected a picture number from 0 to {MAX_NUMBER}, got {number}"
        raise DeviceError(msg)
    _check_size(image)
    raw = number.to_bytes(3, "big")
    word = np.frombuffer(raw + _check_bits(raw), dtype=np.uint8)
    cells = np.unpackbits(word).reshape(_ROWS, _COLUMNS)
    levels = np.where(cells, _WHITE, _BLACK).astype(np.uint8)
    corner = np.repeat(np.repeat(levels, _CELL_PX, axis=0), _CELL_PX, axis=1)
    shape = corner.shape + (1,) * (image.ndim - 2)
    image[:CODE_HEIGHT_PX, :CODE_WIDTH_PX] = corner.reshape(shape)


def read_code(image: NDArray[np.uint8]) -> int:
    """Return the number in the upper left corner of a picture.

    Raises
    ------
    DeviceError
        If there is no code, or its check bits do not fit.
    """
    _check_size(image)
    corner = image[:CODE_HEIGHT_PX, :CODE_WIDTH_PX].astype(np.float32)
    if corner.ndim == 3:
        corner = corner.mean(axis=2)
    means = corner.reshape(_ROWS, _CELL_PX, _COLUMNS, _CELL_PX).mean(axis=(1, 3))
    grey = np.count_nonzero((means > _DARK) & (means < _LIGHT))
    if grey:
        msg = (
            "Expected a picture code of black and white cells in the upper left "
            f"corner, got {grey} grey ones: the picture is not from the simulator, "
            "or it was cropped or scaled"
        )
        raise DeviceError(msg)
    word = np.packbits((means >= _LIGHT).ravel()).tobytes()
    if _check_bits(word[:3]) != word[3:]:
        msg = (
            f"Expected check bits {_check_bits(word[:3]).hex()} for picture "
            f"{int.from_bytes(word[:3], 'big')}, got {word[3:].hex()}: the corner "
            "of the picture is damaged"
        )
        raise DeviceError(msg)
    return int.from_bytes(word[:3], "big")


def _check_bits(raw: bytes) -> bytes:
    return binascii.crc_hqx(raw, 0xFFFF).to_bytes(2, "big")


def _check_size(image: NDArray[np.uint8]) -> None:
    height, width = image.shape[:2]
    if height < CODE_HEIGHT_PX or width < CODE_WIDTH_PX:
        msg = (
            f"Expected a picture of at least {CODE_WIDTH_PX}x{CODE_HEIGHT_PX} px "
            f"for its code, got {width}x{height}: use a larger region of interest"
        )
        raise DeviceError(msg)
