"""Lets torchvision's CUDA wheel be imported beside a CPU build of torch.

A test fixture, no part of the product: torch for CPUs comes from an index of its
own, torchvision often from the general one, and that wheel cannot load its
compiled operators without CUDA libraries. `import torchvision` then fails, because
it registers shapes for operators nobody declared. Declaring the two it asks for is
enough for all that dlclive does with bottom-up models: transforms and networks.

Put this folder on PYTHONPATH and every Python process below has it; a process
that runs already calls `install`.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from pathlib import Path

_keep = []


def install() -> None:
    """Declare torchvision's operators just before it is imported, if it must be."""
    # by name: a process may have it from PYTHONPATH and load it by its path as well
    there = {type(finder).__name__ for finder in sys.meta_path}
    if "torchvision" not in sys.modules and _BeforeTorchvision.__name__ not in there:
        sys.meta_path.insert(0, _BeforeTorchvision())


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare()


def _declare() -> None:
    import torch

    found = importlib.util.find_spec("torchvision")
    if torch.version.cuda is not None or found is None or found.origin is None:
        return
    compiled = list(Path(found.origin).parent.glob("_C*.so"))
    if not any(b"libtorch_cuda" in file.read_bytes() for file in compiled):
        return  # both are CPU builds: the operators will be there
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(
            f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    _keep.append(library)  # the declarations live as long as the object


install()
