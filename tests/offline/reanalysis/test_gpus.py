import os

import pytest

from offline.archive.pool import open_pool
from offline.reanalysis.gpus import gpus, take_gpu

VISIBLE = "CUDA_VISIBLE_DEVICES"


@pytest.mark.parametrize(
    ("said", "found"), [("", []), ("3", ["3"]), ("0, 2,", ["0", "2"])]
)
def test_the_environment_says_which(monkeypatch, said, found):
    monkeypatch.setenv(VISIBLE, said)
    assert gpus() == found


def test_else_the_driver_does(monkeypatch, tmp_path):
    monkeypatch.delenv(VISIBLE, raising=False)
    assert gpus(tmp_path / "none") == []
    for name in ("0000:1a:00.0", "0000:3b:00.0"):
        (tmp_path / name).mkdir()
    assert gpus(tmp_path) == ["0", "1"]


def test_one_gpu_is_left_alone(monkeypatch):
    monkeypatch.setenv(VISIBLE, "5")
    take_gpu(3)
    assert os.environ[VISIBLE] == "5"


@pytest.mark.slow
def test_each_worker_sees_one_gpu(monkeypatch):
    monkeypatch.setenv(VISIBLE, "4,7")
    with open_pool(2, take_gpu) as pool:
        found = set(pool.map(os.getenv, ((VISIBLE,) for _ in range(200))))
    assert found <= {"4", "7"}
