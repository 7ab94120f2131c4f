import os
import subprocess
import sys

import pytest

from rig.devices.device_claim import DeviceClaim
from rig.errors import BusyError

HOLD = """
import sys
from rig.devices.device_claim import DeviceClaim
claim = DeviceClaim("basler", "12/34")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path))


def test_one_holder_at_a_time():
    claim = DeviceClaim("basler", "1")
    with pytest.raises(BusyError, match=f"basler 1 to be free.*process {os.getpid()}"):
        DeviceClaim("basler", "1")
    DeviceClaim("basler", "2").release()
    claim.release()
    claim.release()
    DeviceClaim("basler", "1").release()


def test_a_killed_holder_holds_nothing():
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"held by process {holder.pid}"):
            DeviceClaim("basler", "12/34")
        holder.kill()
        holder.wait(timeout=10)
    DeviceClaim("basler", "12/34").release()
