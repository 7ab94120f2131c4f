"""The benchmark from its command line, and the film that it looks at."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from inference.bench.engines import _raced as raced
from inference.bench.film import film_frames
from inference.bench.inference import _show as show
from inference.bench.inference import inference
from rig.errors import ModelError

EXPORT = "models/openfield_efficientnet_lite0.pt"


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(50))
        stream.width, stream.height, stream.pix_fmt = 160, 128, "gray"
        for k in range(14):
            pixels = np.full((128, 160), 10 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "gray")))
        container.mux(stream.encode())
    return path


def test_frames_come_grey_in_their_size_with_their_times(film):
    frames = list(film_frames(film))
    assert len(frames) == 14
    pixels, exposure_ns = frames[3]
    assert (pixels.shape, pixels.dtype, int(pixels[5, 5])) == ((128, 160), np.uint8, 30)
    assert exposure_ns == 3 * 20_000_000
    smaller, _ = next(film_frames(film, 80, 64))
    assert smaller.shape == (64, 80)


def test_what_is_no_film(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(ModelError, match=r"Expected a film at .*a\.mp4.*--film"):
        next(film_frames(tmp_path / "a.mp4"))


@pytest.mark.slow
def test_figures_as_json_and_as_a_table(converted, shared, film, monkeypatch, capsys):
    monkeypatch.setattr("inference.bench.engines._WARM", 1)
    arguments = [
        "--model", shared / EXPORT, "--film", film, "--size", "160x128", "--frames", 2,
        "--converted", converted("grey").path, "--likelihood", 0, "--whole-film",
    ]  # fmt: skip
    done = CliRunner().invoke(
        inference, [*map(str, arguments), "--json"], standalone_mode=False
    )
    assert done.exception is None
    found = json.loads(done.stdout)
    ways = found["sizes"]["160x128"]["ways"]
    assert set(ways) >= {"dlclive", "onnx", "torch", "onnx, dynamic crop"}
    assert ways["dlclive"]["times_faster"] == 1
    assert ways["onnx"]["max_px"] <= 0.01
    assert found["film"]["frames"] == 14
    assert done.return_value == (0 if all(t["met"] for t in found["targets"]) else 1)

    show(Console(width=200), found)
    shown = capsys.readouterr().out
    assert "openfield_efficientnet_lite0.pt at 160x128, 2 threads" in shown
    assert "reached: max px off, 160x128" in shown


def seen(number=0.0):
    return np.full((4, 3), number, np.float32)


def test_each_way_sees_each_frame_in_changing_order(film):
    order = []

    def way(name):
        def look(frame, exposure_ns):
            order.append(name)
            return seen(frame.max())

        return look

    ways = {name: way(name) for name in ("dlclive", "ours")}
    times_ms, poses = raced(ways, film_frames(film), 4, 0)
    assert [len(times) for times in times_ms.values()] == [4, 4]
    assert poses["ours"][:, 0, 0].tolist() == [100, 110, 120, 130]  # ten are for warmth
    assert order[:4] == ["dlclive", "ours", "ours", "dlclive"]


def test_a_film_that_is_too_short(film):
    ways = {"dlclive": lambda frame, exposure_ns: seen()}
    with pytest.raises(ModelError, match="a film of 15 frames or more, got 14: take"):
        raced(ways, film_frames(film), 5, 0)
