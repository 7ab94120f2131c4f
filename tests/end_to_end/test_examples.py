"""Each example rig runs with every device replaced by its twin."""

import pytest

from rig.config.examples import examples_folder

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "slow"),
    [("demo", 8), ("reach-2p", 10), ("open-field-miniscope", 4), ("jump-rig", 20)],
)
def test_runs_simulated(springhare, name, slow):
    folder = examples_folder()
    result = springhare.result(
        "run",
        f"--rig={folder / 'rig' / name}.yaml",
        f"--task={folder / 'task' / name}.yaml",
        f"--session={folder / 'session' / name}.yaml",
        "--simulate",
        f"--slow={slow}",
        "--seconds=3",
        "--out=out",
    )
    assert result["ledger"]["closes"], result["ledger"]["reason"]
    cameras = {
        stream: entry["recorded"]
        for stream, entry in result["ledger"]["streams"].items()
        if stream.startswith("cameras/")
    }
    assert cameras
    assert all(recorded > 10 for recorded in cameras.values()), cameras
