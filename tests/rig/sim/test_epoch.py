import subprocess
import sys

import pytest

from rig.errors import SpringhareError
from rig.sim.epoch import Epoch


def test_the_world_waits_until_it_has_begun(tmp_path):
    epoch = Epoch(tmp_path / "epoch")
    assert epoch.world_s(10**9) == 0.0
    assert epoch.began_ns() is None
    assert epoch.host_ns(1.0) is None


def test_the_first_one_begins_it_for_all(tmp_path):
    one, other = Epoch(tmp_path / "epoch"), Epoch(tmp_path / "epoch")
    assert one.begin(5_000) == 5_000
    assert other.begin(9_000) == 5_000
    assert other.world_s(5_000 + 2 * 10**9) == 2.0
    assert one.world_s(4_000) == 0.0


def test_a_slow_world_runs_slowly(tmp_path):
    epoch = Epoch(tmp_path / "epoch", slow=4.0)
    epoch.begin(0)
    assert epoch.world_s(10**9) == 0.25
    assert epoch.host_ns(0.25) == 10**9


def test_nothing_but_the_epoch_is_left_behind(tmp_path):
    epoch = Epoch(tmp_path / "epoch")
    epoch.begin(-3)
    epoch.begin(4)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch"]
    assert (tmp_path / "epoch").read_bytes() == (-3).to_bytes(8, "little", signed=True)


def test_a_damaged_epoch_is_named(tmp_path):
    (tmp_path / "epoch").write_bytes(b"abc")
    with pytest.raises(SpringhareError, match=r"8 bytes .* got 3"):
        Epoch(tmp_path / "epoch").world_s(1)


def test_time_cannot_stand_still(tmp_path):
    with pytest.raises(SpringhareError, match="above 0, got 0"):
        Epoch(tmp_path / "epoch", slow=0)


_RACER = """
import sys
from pathlib import Path
from rig.sim.epoch import Epoch

path, moment_ns = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(Epoch(path).begin(moment_ns), flush=True)
"""


@pytest.mark.slow
def test_processes_that_race_agree(tmp_path):
    for attempt in range(3):
        path = tmp_path / f"epoch{attempt}"
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", _RACER, str(path), str(1000 + k)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for k in range(3)
        ]
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        heard = {int(racer.communicate()[0]) for racer in racers}
        assert [racer.returncode for racer in racers] == [0, 0, 0]
        assert len(heard) == 1
        assert Epoch(path).began_ns() in heard
