import json
import warnings

import numpy as np
import pytest
from onnx import TensorProto

from inference.model import load_engine
from inference.view.viewer import Viewer
from rig.config.task import InferenceConfig
from rig.errors import ModelError, VersionError


def config(path, **others):
    return InferenceConfig(model=str(path), cameras=("left",), **others)


def spot(height, width, y, x):
    """A black frame with one white 4 x 4 cell."""
    frame = np.zeros((height, width), np.uint8)
    frame[4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 255
    return frame


@pytest.mark.parametrize("nhwc", [False, True], ids=["channels_first", "channels_last"])
def test_finds_the_spot_with_its_offset(make_brightest, nhwc):
    model = load_engine(config(make_brightest(nhwc=nhwc)))
    model.warm_up(24, 32, 1)

    keypoints = model.infer(spot(24, 32, y=3, x=5))

    assert keypoints.dtype == np.float32
    np.testing.assert_allclose(keypoints, [[22, 14, 1], [23, 13.5, 1]])
    assert model.bodyparts == ("nose", "tail")
    assert model.name == "tiny"
    assert model.provider == "CPUExecutionProvider"


def test_pose_belongs_to_the_caller(make_dials):
    model = load_engine(config(make_dials()))
    model.warm_up(4, 4, 1)
    frame = np.arange(16, dtype=np.uint8).reshape(4, 4)
    first = model.infer(frame)
    kept = first.copy()
    model.infer(frame + 1)[...] = -1
    np.testing.assert_array_equal(first, kept)


def test_does_not_write_into_the_frame(make_dials):
    model = load_engine(config(make_dials()))
    model.warm_up(4, 4, 1)
    frame = np.arange(16, dtype=np.uint8).reshape(4, 4)
    frame.flags.writeable = False
    np.testing.assert_allclose(
        model.infer(frame), [[0, 1, 2 / 255], [3, 4, 5 / 255]], rtol=1e-6
    )


def test_colour_model_sees_red_first(make_brightest):
    model = load_engine(config(make_brightest(colour=True)))
    model.warm_up(24, 32, 3)
    frame = np.zeros((24, 32, 3), np.uint8)
    frame[..., 2] = np.flipud(spot(24, 32, y=0, x=0))  # blue is not looked at
    frame[..., 0] = spot(24, 32, y=2, x=6)
    np.testing.assert_allclose(model.infer(frame)[0], [26, 10, 1])


def test_colour_model_takes_grey_frames_of_several_sizes(make_brightest):
    model = load_engine(config(make_brightest(colour=True)))
    model.warm_up(24, 32, 1)
    np.testing.assert_allclose(model.infer(spot(24, 32, 1, 7))[0], [30, 6, 1])
    np.testing.assert_allclose(model.infer(spot(24, 32, 4, 2))[0], [10, 18, 1])


def test_crop_answers_in_pixels_of_the_whole_frame(make_brightest):
    chosen = config(make_brightest(height=16, width=20), crop_px=(8, 4, 28, 20))
    eye = Viewer(load_engine(chosen), chosen, 24, 32, 1)
    eye.warm_up()
    keypoints = eye.look(spot(24, 32, y=3, x=5), 0).keypoints
    np.testing.assert_allclose(keypoints, [[22, 14, 1], [23, 13.5, 1]])


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_the_pose(make_brightest, threads):
    model = load_engine(config(make_brightest(), threads=threads))
    model.warm_up(24, 32, 1)
    assert model.infer(spot(24, 32, 3, 5))[0].tolist() == [22, 14, 1]


BAD_FRAMES = [
    pytest.param((20, 32, 1), "height 24 px .* got 20: set the camera's ROI",
                 id="height"),
    pytest.param((24, 30, 1), "width 32 px .* got 30", id="width"),
    pytest.param((24, 32, 3), "grey frames .* pixel_format to Mono8",
                 id="colour_for_grey"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "message"), BAD_FRAMES)
def test_refuses_frames_it_cannot_see(make_brightest, frame, message):
    model = load_engine(config(make_brightest()))
    with pytest.raises(ModelError, match=message):
        model.warm_up(*frame)


def good(**others):
    return {
        "format": "springhare-pose/1",
        "bodyparts": json.dumps(["nose", "tail"]),
        **others,
    }


BAD_FILES = [
    pytest.param({"metadata": {}}, VersionError, "springhare-pose/1 .* got none",
                 id="no_format"),
    pytest.param({"metadata": good(format="springhare-pose/2")}, VersionError,
                 "got springhare-pose/2", id="other_format"),
    pytest.param({"metadata": good(bodyparts="nose, tail")}, ModelError,
                 "JSON list of names", id="bodyparts"),
    pytest.param({"metadata": good(bodyparts="[1]")}, ModelError,
                 "JSON list of names", id="bodyparts_numbers"),
    pytest.param({"dtype": TensorProto.FLOAT}, ModelError, "one uint8 input",
                 id="float_input"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "message"), BAD_FILES)
def test_refuses_files_that_are_no_pose_model(make_dials, change, error, message):
    with pytest.raises(error, match=message):
        load_engine(config(make_dials(**change)))


def test_refuses_a_count_that_is_not_the_bodyparts(make_dials):
    model = load_engine(config(make_dials(metadata=good(bodyparts='["nose"]'))))
    with pytest.raises(ModelError, match=r"1 keypoints .* \(2, 3\)"):
        model.warm_up(8, 8, 1)


def test_refuses_a_file_that_is_not_onnx(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="Expected an ONNX model in"):
        load_engine(config(path))


def test_several_frames_at_once(make_dials):
    model = load_engine(config(make_dials(batch=True)))
    assert model.batches
    rng = np.random.default_rng(0)
    frames = [*rng.integers(0, 256, (3, 8, 8), np.uint8)]
    frames.insert(1, rng.integers(0, 256, (4, 6), np.uint8))
    for one, frame in zip(model.infer_together(frames), frames, strict=True):
        np.testing.assert_array_equal(one, model.infer(frame))


def test_says_that_it_takes_one_at_a_time(make_dials, make_brightest):
    assert not load_engine(config(make_dials())).batches
    assert not load_engine(config(make_brightest())).batches


def test_step_of_the_grid(make_dials):
    assert load_engine(config(make_dials())).align_px == 32
    path = make_dials(metadata=good(align_px="16"))
    assert load_engine(config(path)).align_px == 16
    with pytest.raises(ModelError, match="number as align_px"):
        load_engine(config(make_dials(metadata=good(align_px="fine"))))


def test_refuses_to_resize_what_has_its_size_inside(make_dials):
    with pytest.raises(ModelError, match=r"Expected inference.resize 1 .* got 0\.5"):
        load_engine(config(make_dials(), resize=0.5))


def test_refuses_a_provider_that_is_not_there(make_dials):
    with pytest.raises(ModelError, match=r"provider tensorrt, got .*cpu: install"):
        load_engine(config(make_dials(), provider="tensorrt"))


def test_says_which_provider_computes_when_another_was_hoped_for(
    make_dials, monkeypatch, caplog
):
    import onnxruntime

    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the runtime warns too
        model = load_engine(config(make_dials()))
    assert model.provider == "CPUExecutionProvider"
    assert "CUDAExecutionProvider cannot be used here" in caplog.text
