"""DeepLabCut's ``analyze_videos`` in a process of its own, asked again and again.

``python -m offline.bench.analysing.peer CONFIG CLIP`` analyses the clip into each
folder that it is given on a line, and answers with the seconds that it took.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout

from sync.clock import MonotonicClock

__all__ = ["main"]


def main(config: str, clip: str) -> None:
    """Answer until nothing more is asked."""
    os.environ["DLClight"] = "True"  # noqa: SIM112 - its name: no window
    answers, clock = sys.stdout, MonotonicClock()
    with redirect_stdout(sys.stderr):
        import deeplabcut

        print(json.dumps(deeplabcut.__version__), file=answers, flush=True)
        for line in sys.stdin:
            began_ns = clock.now()
            deeplabcut.analyze_videos(
                config, [clip], shuffle=1, destfolder=line.strip(), device="cpu"
            )
            took_s = (clock.now() - began_ns) / 1e9
            print(json.dumps(took_s), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
