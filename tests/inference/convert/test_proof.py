import json

import pytest

from inference.convert.proof import LIMIT_PX, ORIGIN, PROOF, Proof, require_proof
from rig.errors import ModelError


def proof(max_px):
    return Proof(
        reference="dlclive 1.1.0 (torch-cpu)",
        provider="CPUExecutionProvider",
        frames=9,
        source="drawn",
        sizes=("640x480",),
        max_px=max_px,
        median_px=0.0,
        max_likelihood=0.0,
    ).to_json()


ORIGINAL = {ORIGIN: json.dumps({"file": "a.pt"})}


@pytest.mark.parametrize(
    "metadata",
    [{}, {"name": "own"}, {**ORIGINAL, PROOF: proof(0.0)}, {PROOF: proof(LIMIT_PX)}],
    ids=["nothing", "not_converted", "proven", "just"],
)
def test_lets_pass(tmp_path, metadata):
    require_proof(tmp_path / "a.onnx", metadata)


@pytest.mark.parametrize(
    ("metadata", "got"),
    [
        (ORIGINAL, "none that can be read"),
        ({**ORIGINAL, PROOF: proof(0.11)}, "0.11 px"),
        ({**ORIGINAL, PROOF: proof(float("nan"))}, "nan px"),
        ({**ORIGINAL, PROOF: "proven, believe me"}, "none that can be read"),
        ({**ORIGINAL, PROOF: "{}"}, "none that can be read"),
        ({**ORIGINAL, PROOF: "[1]"}, "none that can be read"),
        ({PROOF: proof(7.0)}, "7 px"),
    ],
)
def test_refuses(tmp_path, metadata, got):
    with pytest.raises(ModelError, match=f"got {got}: make it anew with springhare"):
        require_proof(tmp_path / "a.onnx", metadata)
