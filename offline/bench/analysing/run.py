"""DeepLabCut and Springhare analyse one clip, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.convert.run import Plan as Conversion
from inference.convert.run import convert
from offline.bench.analysing.clip import copy_beginning
from offline.reanalysis.network import Network, let_go
from offline.reanalysis.poses_file import read_poses
from offline.reanalysis.run import Silent, analyse, prepare
from offline.reanalysis.sources import find_sources
from offline.training_plan import MODEL_FILE, read_plan
from rig.errors import ModelError
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["PEER", "Plan", "measure"]

PEER = "DeepLabCut"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    training: Path
    """Folder of a training: DeepLabCut's project, and the model."""
    film: Path
    frames: int
    repeats: int


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return frames per second of each way, and how far their keypoints are apart.

    What is timed is the whole call, from the film to the files of poses, network
    loaded and frames counted; processes and their imports are there before.

    Raises
    ------
    ModelError
        If there is no training that has ended, or DeepLabCut could not analyse.
    SessionError
        If there is no film.
    """
    read_plan(plan.training)
    with TemporaryDirectory(prefix="springhare-bench-") as place:
        folder = Path(place)
        clip = folder / f"clip{plan.film.suffix}"
        copy_beginning(plan.film, clip, plan.frames)
        tell("converting the model")
        model = folder / "model.onnx"
        export = str(plan.training / MODEL_FILE)
        convert(Conversion(model=export, out=model, colour=True), _quiet)
        cores = len(os.sched_getaffinity(0))
        ways = {"springhare, 1 worker": 1}
        if cores > 1:
            ways[f"springhare, {cores} workers"] = cores
        took_s: dict[str, list[float]] = {PEER: [], **{way: [] for way in ways}}
        poses: dict[str, NDArray[np.float32]] = {}
        with _peer(plan.training / "project" / "config.yaml", clip) as (version, ask):
            for turn in range(plan.repeats):
                tell(f"turn {turn + 1} of {plan.repeats}")
                out = folder / f"peer-{turn}"
                out.mkdir()
                took_s[PEER].append(ask(out))
                poses[PEER] = read_poses(next(out.glob("*.h5"))).poses
                for way, workers in ways.items():
                    out = folder / f"{workers}-{turn}"
                    out.mkdir()
                    took, found = _ours(model, clip, workers, cores, out)
                    took_s[way].append(took)
                    poses[way] = found
    return _figures(took_s, poses, version)


def _quiet(what: str, steps: int) -> Callable[[], None]:
    del what, steps
    return lambda: None


def _ours(
    model: Path, clip: Path, workers: int, cores: int, out: Path
) -> tuple[float, NDArray[np.float32]]:
    network = Network(
        model=str(model),
        engine="onnx",
        resize=1.0,
        threads=max(cores // workers, 1),
        batch=1,
    )
    clock = MonotonicClock()
    began_ns = clock.now()
    try:
        jobs = prepare(find_sources((clip,), ()), network, out=out, force=False)
        list(analyse(jobs, network, workers, Silent()))
    finally:
        let_go()
    took_s = (clock.now() - began_ns) / 1e9
    return took_s, read_poses(jobs[0].path).poses


@contextmanager
def _peer(config: Path, clip: Path) -> Iterator[tuple[str, Callable[[Path], float]]]:
    """Keep DeepLabCut's process; gives its version, and what asks it."""
    words = [sys.executable, "-m", "offline.bench.analysing.peer"]
    with (
        (clip.parent / "peer.log").open("wb") as log,
        subprocess.Popen(
            [*words, str(config), str(clip)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"},
        ) as process,
    ):
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None  # noqa: S101
        assert stdout is not None  # noqa: S101

        def answer() -> Any:
            line = stdout.readline()
            if not line:
                said = (clip.parent / "peer.log").read_text("utf-8", "replace")
                msg = f"Expected DeepLabCut to analyse, got:\n{said[-2000:]}"
                raise ModelError(msg)
            return json.loads(line)

        def ask(out: Path) -> float:
            with suppress(BrokenPipeError):  # it has ended: its answer says why
                stdin.write(f"{out}\n")
                stdin.flush()
            return answer()

        try:
            yield answer(), ask
        finally:
            with suppress(BrokenPipeError):
                stdin.close()
            process.terminate()


def _figures(
    took_s: dict[str, list[float]],
    poses: dict[str, NDArray[np.float32]],
    version: str,
) -> dict[str, Any]:
    peer = poses[PEER]
    ways: dict[str, Any] = {}
    for way, seconds in took_s.items():
        count = min(len(poses[way]), len(peer))
        apart = poses[way][:count, :, :2] - peer[:count, :, :2]
        off_px = np.hypot(apart[..., 0], apart[..., 1])
        ratios = np.array(took_s[PEER]) / np.array(seconds)
        ways[way] = {
            "frames": len(poses[way]),
            "frames_per_s": [len(poses[way]) / each for each in seconds],
            "times_peer": float(np.median(ratios)),
            "median_px": float(np.median(off_px)),
            "p99_px": float(np.quantile(off_px, 0.99)),
            "max_px": float(off_px.max()),
        }
    return {
        "deeplabcut": version,
        "ways": ways,
        "targets": _targets(ways),
        "load": os.getloadavg()[0],
    }


def _targets(ways: dict[str, Any]) -> list[dict[str, Any]]:
    ours = [figures for way, figures in ways.items() if way != PEER]
    fastest = max(figures["times_peer"] for figures in ours)
    farthest = max(figures["max_px"] for figures in ours)
    same = all(f["frames"] == ways[PEER]["frames"] for f in ours)
    return [
        {"name": "times DeepLabCut's frames per second", "wanted": "at least 2",
         "got": fastest, "met": fastest >= 2},
        {"name": "largest distance of keypoints, px", "wanted": "at most 0.1",
         "got": farthest, "met": farthest <= 0.1 and same},
    ]  # fmt: skip
