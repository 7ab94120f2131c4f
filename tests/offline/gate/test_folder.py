import pytest

from offline.gate.folder import alone, placed
from rig.errors import ConfigError


def test_one_at_a_time(tmp_path):
    folder = tmp_path / "models"
    told = pytest.raises(ConfigError, match="nobody else")
    with alone(folder), told, alone(folder):
        pass
    with alone(folder):
        pass


def test_a_models_file_is_put_once(tmp_path):
    path = placed(tmp_path / "models", b"net", "good", "0123456789")
    assert (path.name, path.read_bytes()) == ("good-01234567.onnx", b"net")
    stamp = path.stat().st_mtime_ns
    assert placed(tmp_path / "models", b"net", "good", "0123456789") == path
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(b"torn")
    placed(tmp_path / "models", b"net", "good", "0123456789")
    assert path.read_bytes() == b"net"
    with pytest.raises(ConfigError, match="Expected a place for models"):
        placed(path, b"net", "good", "0")
