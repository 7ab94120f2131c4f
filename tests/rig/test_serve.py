import subprocess
import sys
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest

from rig import cli
from rig.bus.directory import StreamDirectory
from rig.bus.keys import load_client_keys
from rig.bus.remote import RemoteReader, remote_names
from rig.errors import StreamError
from rig.messages import Frame, PayloadSpec, StreamSpec
from rig.monitor.remote import RemoteLink
from rig.recording.sidecar import Configs, SessionInfo, write_sidecar

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


RIG = {
    "format": "springhare-rig/1",
    "name": "test",
    "data_root": "/data",
    "devices": {
        "daq": {
            "kind": "harp",
            "port": "/dev/x",
            "camera_trigger": {"rate_hz": 50},
            "actuator": {
                "lines": {"laser": {"pin": 1, "max_width_us": 1000, "max_rate_hz": 40}}
            },
        }
    },
}
TASK = {
    "format": "springhare-task/1",
    "name": "t",
    "inference": {"model": "bundled:mouse", "cameras": ["left"]},
    "rules": [
        {
            "name": "in",
            "camera": "left",
            "when": {"kind": "enters", "keypoint": "hip", "region_px": [0, 0, 9, 9]},
            "sham_probability": 0.5,
            "action": {"line": "laser", "pulse_width_us": 100},
        }
    ],
}


@pytest.fixture
def with_shams(memory, tmp_path):
    """A session whose task has shams."""
    info = SessionInfo(
        session_id="1",
        subject="mouse",
        task="t",
        started_utc="2026-01-01T00:00:00Z",
        started_host_ns=1,
        configs=Configs(rig=RIG, task=TASK),
    )
    write_sidecar(tmp_path, info)
    streams = StreamDirectory.create("s", tmp_path)
    for name, kind in (("acknowledgements",) * 2, ("clocks/daq", "clocks")):
        streams.create_ring(StreamSpec(name=name, kind=kind, node="daq", slots=8))
    return streams, info


@contextmanager
def serving(*options):
    child = subprocess.Popen(
        [sys.executable, "-c", SERVE, "--address", "tcp://127.0.0.1:*", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child, child.stderr.readline().split()[-1]
    finally:
        child.kill()
        child.communicate()


@pytest.mark.slow
def test_shams_are_kept_back_unless_somebody_wants_to_see_them(with_shams):
    with serving() as (_, address):
        with pytest.raises(StreamError, match="serve with springhare serve --unblind"):
            RemoteReader(address, "acknowledgements")
        RemoteReader(address, "clocks/daq").close()
    with serving("--unblind") as (_, address):
        RemoteReader(address, "acknowledgements").close()


@pytest.mark.slow
def test_who_looks_is_told_how_the_session_ended(with_shams, tmp_path):
    streams, info = with_shams
    with serving() as (child, address):
        link = RemoteLink(address)
        try:
            assert link.info() == info
            assert link.verdict is None
            write_sidecar(tmp_path, msgspec.structs.replace(info, verdict="WARN"))
            streams.remove()
            assert child.wait(20) == 0, "the server ends when that was told"
            assert link.verdict == "WARN"
        finally:
            link.close()
