import subprocess
import sys

import numpy as np
import pytest

from rig import cli
from rig.bus.directory import StreamDirectory
from rig.bus.keys import load_client_keys
from rig.bus.remote import RemoteReader, remote_names
from rig.messages import Frame, PayloadSpec, StreamSpec

SERVE = "import sys; from rig.commands.serve import serve; serve(sys.argv[1:])"


@pytest.fixture
def commands(monkeypatch):
    from importlib.metadata import EntryPoint, EntryPoints

    points = EntryPoints(
        EntryPoint(name, f"rig.commands.serve:{name}", cli.GROUP)
        for name in ("serve", "keys")
    )
    monkeypatch.setattr(cli, "entry_points", points.select)


@pytest.mark.slow
def test_keys_and_a_served_session(memory, commands, tmp_path, capsys):
    folder = tmp_path / "keys"
    assert cli.main(["keys", str(folder)]) == 0
    assert f"--keys {folder / 'server'}" in capsys.readouterr().out
    streams = StreamDirectory.create("s", tmp_path)
    payload = PayloadSpec("|u1", (4,))
    about = {"name": "cameras/left", "kind": "frames", "node": "left", "slots": 8}
    streams.create_ring(StreamSpec(payload=payload, **about))
    writer = streams.writer("cameras/left")
    where = ["--address", "tcp://0.0.0.0:*", "--keys", str(folder / "server")]
    child = subprocess.Popen(
        [sys.executable, "-c", SERVE, *where], stderr=subprocess.PIPE, text=True
    )
    try:
        line = child.stderr.readline()
        assert line.startswith("serving s on tcp://0.0.0.0:")
        address = line.split()[-1].replace("0.0.0.0", "127.0.0.2")
        keys = load_client_keys(folder / "viewer")
        assert remote_names(address, keys) == ["cameras/left"]
        reader = RemoteReader(address, "cameras/left", keys)
        record = Frame(host_ns=1, frame_id=0, device_ns=0, exposure_ns=0)
        writer.append(record, np.arange(4, dtype=np.uint8))
        assert reader.read(9).payload.tolist() == [[0, 1, 2, 3]]
        reader.close()
        writer.close()
        streams.remove()
        assert child.wait(20) == 0, "the server ends with the session"
    finally:
        child.kill()
        child.communicate()


def test_no_session_to_serve(memory, commands, capsys):
    assert cli.main(["serve"]) == 2
    assert "one running session, got 0" in capsys.readouterr().err


def test_other_machines_need_keys(memory, commands, tmp_path, capsys):
    StreamDirectory.create("s", tmp_path)
    assert cli.main(["serve", "--address", "tcp://0.0.0.0:*"]) == 2
    assert "springhare keys" in capsys.readouterr().err


def test_keys_are_made_once(commands, tmp_path, capsys):
    assert cli.main(["keys", str(tmp_path), "--reader", "laptop"]) == 0
    assert cli.main(["keys", str(tmp_path), "--reader", "laptop"]) == 2
    assert "name another" in capsys.readouterr().err
