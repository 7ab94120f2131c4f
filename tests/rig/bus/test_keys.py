import stat

import pytest

from rig.bus.keys import load_client_keys, load_server_keys, make_keys
from rig.errors import BusyError, StreamError


def test_a_server_and_two_readers(tmp_path):
    server, viewer = make_keys(tmp_path)
    same, laptop = make_keys(tmp_path, "laptop")
    assert server == same
    served = load_server_keys(server)
    readers = [load_client_keys(folder) for folder in (viewer, laptop)]
    assert served.clients == {keys.pair.public for keys in readers}
    assert {keys.server for keys in readers} == {served.pair.public}
    assert len({keys.pair.secret for keys in readers} | {served.pair.secret}) == 3


def test_only_the_owner_reads_a_secret(tmp_path):
    make_keys(tmp_path)
    secrets = list(tmp_path.rglob("*.secret"))
    assert len(secrets) == 2
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o640)
    with pytest.raises(StreamError, match=r"only you may read .*got 0640: chmod 600"):
        load_server_keys(tmp_path / "server")
    with pytest.raises(StreamError, match="chmod 600"):
        load_client_keys(tmp_path / "viewer")


def test_a_secret_is_not_shown(tmp_path):
    server, _ = make_keys(tmp_path)
    keys = load_server_keys(server)
    assert keys.pair.secret.decode() not in repr(keys)


@pytest.mark.parametrize("name", ["viewer", "server"])
def test_keys_are_not_made_twice(tmp_path, name):
    make_keys(tmp_path)
    before = (tmp_path / "server" / "server.secret").read_bytes()
    with pytest.raises(BusyError, match="name another"):
        make_keys(tmp_path, name)
    assert (tmp_path / "server" / "server.secret").read_bytes() == before


def test_missing_and_broken_keys(tmp_path):
    with pytest.raises(StreamError, match=r"one \.secret file in .*got 0"):
        load_client_keys(tmp_path)
    with pytest.raises(StreamError, match="at least one reader"):
        load_server_keys(tmp_path)
    server, viewer = make_keys(tmp_path)
    (viewer / "server.public").unlink()
    with pytest.raises(StreamError, match="No such file"):
        load_client_keys(viewer)
    (viewer / "server.public").write_bytes(b"short")
    with pytest.raises(StreamError, match="a key of 40 characters"):
        load_client_keys(viewer)
    (server / "server.secret").write_bytes(b"")
    with pytest.raises(StreamError, match="a key of 40 characters"):
        load_server_keys(server)
