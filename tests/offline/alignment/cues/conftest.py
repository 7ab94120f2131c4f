"""Scenes that are written, aligned and looked at."""

import pytest

from offline.alignment.cues import look_for_cues
from offline.alignment.pipeline import align
from rig.recording.reader import Recording


@pytest.fixture
def cues(tmp_path):
    """Return what a scene's cues say, by name."""

    def look(scene, **options):
        def see(session, placed):
            return look_for_cues(session, placed, **options)

        with Recording.open(scene.write(tmp_path / "session")) as recording:
            found = align(recording, look=see).alignment.cues
        return {cue.name: cue for cue in found}

    return look
