"""What all who read DeepLabCut's exports must guard against.

Missing packages, packages that do not fit together, files that are no exports:
each said in words, with what to do.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING
from zipfile import is_zipfile

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inference.model_file import ModelFile

__all__ = ["installed", "quiet", "readable", "tensorflow_hidden"]

_UNREADABLE = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    pickle.UnpicklingError,
)
_OF_TORCH = (RuntimeError, EOFError, pickle.UnpicklingError)
"""What torch says of a file that is none of its own."""


@contextmanager
def quiet() -> Iterator[None]:
    """Hush deprecations inside other people's packages: no user can mend them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def tensorflow_hidden() -> Iterator[None]:
    """Keep dlclive from importing TensorFlow only to see whether it is there.

    It would cost seconds at the start and half a gigabyte for as long as the node
    lives.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


@contextmanager
def installed(file: ModelFile) -> Iterator[None]:
    """Say which extra is missing when an import fails inside.

    Raises
    ------
    ModelError
        If dlclive or what it needs is not there, or does not fit together.
    """
    extra = "dlclive" if file.form == "pytorch" else "tensorflow"
    try:
        yield
    except ImportError as error:
        msg = (
            f"Expected dlclive to be installed for {file.path}, got "
            f"{error}: pip install springhare[{extra}], or name an interpreter that "
            "has it as inference.interpreter"
        )
        raise ModelError(msg) from error
    except RuntimeError as error:
        msg = (
            f"Expected dlclive's libraries to fit together, got {error}: install torch "
            "and torchvision of one build (both for the processor, or both for CUDA), "
            "from one index; springhare doctor says how"
        )
        raise ModelError(msg) from error


@contextmanager
def readable(file: ModelFile, *others: type[Exception]) -> Iterator[None]:
    """Say that a file is no export when it cannot be read inside.

    Parameters
    ----------
    file
        The file.
    others
        What else a broken file can cause there.

    Raises
    ------
    ModelError
        If anything that a broken file can cause happens.
    """
    try:
        yield
    except (*_UNREADABLE, *others) as error:
        msg = (
            f"Expected a DeepLabCut export in {file.path}, got something else "
            f"({_why(file, error)}): export it anew with deeplabcut.export_model"
        )
        raise ModelError(msg) from error


def _why(file: ModelFile, error: Exception) -> str:
    """Return what is wrong with a file; not torch's advice to open it all the same."""
    of_torch = file.form == "pytorch" and isinstance(error, _OF_TORCH)
    if of_torch and file.path.is_file() and not is_zipfile(file.path):
        return "torch did not write it, or it was cut short"
    if of_torch and isinstance(error, pickle.UnpicklingError):
        return "it holds more than weights, and could run code if it were opened"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
