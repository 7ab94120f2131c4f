"""What the monitor costs a rig, and how quickly it tells.

`experiment` says what is running: a whole session whose devices cost little. `session`
and `showing` are the processes: the rig's supervisor, and the monitor's window. `stage`
lets them play and looks at them from outside, on a screen of `display`. `rounds` plays
sessions with and without the window, `trials` looks how soon the window is there and a
death is red, `soak` at its memory. `figures` adds it all up.
"""

from __future__ import annotations

from rig.bench.monitoring.experiment import Experiment
from rig.bench.monitoring.run import Plan, measure
from rig.bench.monitoring.soak import soak

__all__ = ["Experiment", "Plan", "measure", "soak"]
