"""From whatever is left of a session to a session that is whole.

The segments are read and never written. `wreck` looks at what is there, `unsynced`
at what a power cut may have spoilt, `unlisted` and `reckoning` make up the ledger,
`draft` shows what comes of it before anything is changed, `plan` puts these
together, and `recover` carries it out.
"""

from __future__ import annotations

from rig.recording.recovery.leftovers import keeping_old
from rig.recording.recovery.recordable import make_recordable
from rig.recording.recovery.recover import recover_session
from rig.recording.recovery.report import RecoveryReport, StreamRecovery

__all__ = [
    "RecoveryReport",
    "StreamRecovery",
    "keeping_old",
    "make_recordable",
    "recover_session",
]
