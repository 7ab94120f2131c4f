import pytest
from PySide6.QtCore import QSettings

from rig.config.rules import Crosses
from rig.monitor.rule_signals import RuleSignal
from rig.monitor.shown import (
    PulseLine,
    Region,
    Shown,
    ShownCamera,
    ShownSignal,
    Threshold,
)


@pytest.fixture(autouse=True)
def settings_of_nobody(tmp_path):
    """No test reads or changes how a person has set up the window."""
    for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(form, QSettings.Scope.UserScope, str(tmp_path / "settings"))


PARTS = ("nose", "hip", "toe")


@pytest.fixture
def camera():
    return ShownCamera(
        name="left",
        width_px=320,
        height_px=240,
        rate_hz=100,
        bodyparts=PARTS,
        bones=((0, 1), (1, 2)),
        regions=(Region("zone", ((10, 10), (60, 10), (60, 50), (10, 50)), "zone"),),
        thresholds=(Threshold("up", "y", 120.0, "up: hip y < 120 px"),),
    )


@pytest.fixture
def shown(camera):
    leaf = Crosses(
        kind="crosses", keypoint="hip", axis="y", direction="falling", threshold_px=120
    )
    return Shown(
        session_id="m1_x",
        subject="m1",
        task="jump",
        started_host_ns=0,
        rig=None,
        plan=None,
        streams={},
        cameras=(camera,),
        signals=(
            ShownSignal("daq/emg", "emg", ("GL", "TA"), ("uV", "uV"), (1, 1), 2000),
            ShownSignal(
                "daq/force_plate",
                "force_plate",
                ("Fx", "Fy", "Fz", "Mx", "My", "Mz"),
                ("mN",) * 6,
                (1,) * 6,
                1000,
            ),
        ),
        pulses=(PulseLine("scope", "frame_clock", 30),),
        rules=(RuleSignal("up", "left", "up: hip y < 120 px", "px", 120.0, leaf),),
        space_bodyparts=PARTS,
    )
