"""What ONNX Runtime computes on: the best of what is there, or what was asked for.

Names are ONNX Runtime's; which of them there are depends on the package that is
installed: ``onnxruntime``, ``onnxruntime-gpu`` or ``onnxruntime-openvino``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CPU", "choose_providers", "provider_options"]

CPU = "CPUExecutionProvider"

_NAMES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": CPU,
}
"""By the word in the task file, the best first."""
_BEHIND = {"tensorrt": {"cuda": _NAMES["cuda"]}}
"""What takes over the layers that another cannot do, before the processor does."""
_PACKAGES = {
    "tensorrt": "springhare[gpu] and TensorRT",
    "cuda": "springhare[gpu]",
    "openvino": "onnxruntime-openvino instead of onnxruntime",
    "cpu": "onnxruntime",
}


def choose_providers(wanted: str, available: Sequence[str]) -> list[str]:
    """Return the providers to try, in order; the last one always works.

    Parameters
    ----------
    wanted
        ``tensorrt``, ``cuda``, ``openvino``, ``cpu``, or ``auto`` for the best.
    available
        Names of those that the installed ONNX Runtime has.

    Raises
    ------
    ModelError
        If what is wanted is not available.

    Examples
    --------
    >>> choose_providers("auto", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    ['CUDAExecutionProvider', 'CPUExecutionProvider']
    """
    name = _NAMES.get(wanted)
    if name is not None and name not in available:
        there = ", ".join(word for word, name in _NAMES.items() if name in available)
        msg = (
            f"Expected inference.provider {wanted}, got an ONNX Runtime with {there}: "
            f"install {_PACKAGES[wanted]}, or set provider to auto"
        )
        raise ModelError(msg)
    asked = (
        _NAMES if name is None else {wanted: name, **_BEHIND.get(wanted, {}), "": CPU}
    )
    return [name for name in dict.fromkeys(asked.values()) if name in available]


def provider_options(
    name: str, *, threads: int, half: bool, model_sha256: str
) -> dict[str, Any]:
    """Return how a provider is to be set up.

    Parameters
    ----------
    name
        ONNX Runtime's name of it.
    threads
        Threads that compute, where it uses the processor.
    half
        Whether half precision is allowed, where there is a choice.
    model_sha256
        Of the model's file: engines that were built for it are kept under this.
    """
    match name:
        case "TensorrtExecutionProvider":
            # building an engine takes minutes; it is kept for the next session
            return {
                "trt_fp16_enable": half,
                "trt_engine_cache_enable": True,
                "trt_engine_cache_path": str(_cache_folder() / model_sha256),
                "trt_timing_cache_enable": True,
            }
        case "CUDAExecutionProvider":
            # TF32 would cut single precision short, unasked
            return {"use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE"}
        case "OpenVINOExecutionProvider":
            precision = "FP16" if half else "FP32"
            return {
                "device_type": "CPU",
                "precision": precision,
                "num_of_threads": str(threads),
            }
        case _:
            return {}


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "springhare" / "tensorrt"
