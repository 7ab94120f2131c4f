import os

import pytest

from offline.training.running import train
from rig.errors import ModelError
from rig.recording.disk import lock_folder


def test_two_do_not_train_in_one_folder(tmp_path):
    lock = lock_folder(tmp_path)
    try:
        with pytest.raises(ModelError, match="another springhare train"):
            train(tmp_path)
    finally:
        os.close(lock)


@pytest.mark.slow
def test_a_worker_that_cannot_begin_is_told_with_its_last_words(tmp_path):
    with pytest.raises(ModelError, match="got exit status 1"):
        train(tmp_path)
    assert (tmp_path / "log.txt").stat().st_size
