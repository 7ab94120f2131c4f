"""Whether a session survives ``kill -9``: of any of its processes, at any instant.

`trial` says who is killed and when, `experiment` what is running. `session` runs it,
`processes` knows its processes, `attack` strikes. `evidence` is what is seen from
outside, `examination` what is wrong with it. `play` is one trial from its start to its
outcome, `run` is all of them and what they add up to.
"""

from __future__ import annotations

from rig.bench.survival.run import Plan, measure
from rig.bench.survival.trial import PHASES, VICTIMS

__all__ = ["PHASES", "VICTIMS", "Plan", "measure"]
