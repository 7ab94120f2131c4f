"""How long the rules alone take."""

from __future__ import annotations

import numpy as np

from inference.bench.looping.work import BODYPARTS, CAMERA, poses, task
from inference.rules import Scene, Seen, compile_rules, evaluate, initial_state
from rig.config.task import TaskConfig
from sync.clock import MonotonicClock

__all__ = ["rules_us"]

_POSES = 3000
_INTERVAL_NS = 10_000_000
_EDGE_EVERY = 10


def rules_us() -> dict[str, float]:
    """Return p50 and p99 of asking two rules about a pose, one in ten of which fires.

    In one process and in a row: what the rules themselves take.
    """
    rules = compile_rules(
        TaskConfig.model_validate(task(plain=True)).rules, BODYPARTS, 0
    )
    state, clock = initial_state(rules, 0), MonotonicClock()
    sides = [pose.tolist() for pose in poses()]
    took_ns = np.zeros(_POSES, np.int64)
    for k in range(_POSES):
        exposure_ns = k * _INTERVAL_NS
        raw = Seen(sides[k // _EDGE_EVERY % 2], exposure_ns)
        began_ns = clock.now()
        scene = Scene(CAMERA, exposure_ns, {"raw": raw}, pose_seq=k, frame_id=k)
        state, _ = evaluate(rules, state, scene, now_ns=exposure_ns, armed=True)
        took_ns[k] = clock.now() - began_ns
    p50, p99 = np.percentile(took_ns / 1e3, (50, 99))
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}
