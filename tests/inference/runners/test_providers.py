import pytest

from inference.runners.providers import choose_providers, provider_options
from rig.errors import ModelError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
GPU_BUILD = [TENSORRT, CUDA, CPU]


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("auto", ["AzureExecutionProvider", CPU], [CPU]),
        ("auto", [CPU, CUDA, TENSORRT], [TENSORRT, CUDA, CPU]),
        ("auto", [OPENVINO, CPU], [OPENVINO, CPU]),
        ("cpu", GPU_BUILD, [CPU]),
        ("cuda", GPU_BUILD, [CUDA, CPU]),
        ("tensorrt", GPU_BUILD, [TENSORRT, CUDA, CPU]),
        ("openvino", [OPENVINO, CPU], [OPENVINO, CPU]),
    ],
)
def test_best_first_and_the_processor_last(wanted, available, chosen):
    assert choose_providers(wanted, available) == chosen


@pytest.mark.parametrize("wanted", ["tensorrt", "cuda", "openvino"])
def test_says_what_to_install(wanted):
    with pytest.raises(
        ModelError, match=f"provider {wanted}, got .* with cpu: install"
    ):
        choose_providers(wanted, ["AzureExecutionProvider", CPU])


def options(name, *, half=False):
    return provider_options(name, threads=3, half=half, model_sha256="ab12")


def test_engines_are_kept_by_model(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = options(TENSORRT)
    assert kept["trt_engine_cache_path"] == str(
        tmp_path / "springhare" / "tensorrt" / "ab12"
    )
    assert kept["trt_fp16_enable"] is False
    assert options(TENSORRT, half=True)["trt_fp16_enable"] is True


def test_single_precision_is_not_cut_short():
    assert options(CUDA)["use_tf32"] == "0"
    assert options(OPENVINO)["precision"] == "FP32"
    assert options(OPENVINO, half=True)["precision"] == "FP16"


def test_processor_needs_no_options():
    assert options(CPU) == {}
