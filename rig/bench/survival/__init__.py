"""Whether a session survives ``kill -9``: of any of its processes, at any instant.

`trial` says who is killed and when, `rig` what is running, `session` and `processes`
run it and strike, `evidence` and `examination` look at what is left, `play` is one
trial from its start to its outcome, `run` is all of them and their table.
"""

from __future__ import annotations

from rig.bench.survival.run import Plan, measure
from rig.bench.survival.trial import PHASES, VICTIMS

__all__ = ["PHASES", "VICTIMS", "Plan", "measure"]
