"""The recorder: every ring into the session, and the session's end."""

from __future__ import annotations

from rig.recorder.closing import SalvageReport, close_recording, salvage
from rig.recorder.recorder import Recorder

__all__ = ["Recorder", "SalvageReport", "close_recording", "salvage"]
