import json

import av
import pytest

from rig.cli import main
from rig.commands import window


@pytest.fixture
def review(small_session, capsys):
    def run(*arguments, session=small_session):
        status = main(["review", str(session), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_as_json_it_tells_how_it_stands_and_what_can_be_jumped_to(review, known):
    status, out, _ = review("--json", "--at", 1.0)
    told = json.loads(out)
    assert status == 0
    assert told["health"]["level"] == "bad"
    assert told["verdict"] == "FAIL"
    assert [jump["what"] for jump in told["jumps"]["fire"]] == [
        "fired",
        "sham",
        "pulse",
    ]
    assert told["jumps"]["gap"][0]["what"] == "cameras/left"
    assert told["frames"]["left"]["frame_id"] == 95
    keypoints = known.keypoints(95).tolist()
    assert told["frames"]["left"]["keypoints"][0] == pytest.approx(keypoints[0])
    assert told["frames"]["top"]["keypoints"] is None


def test_a_clip_needs_no_window(review, tmp_path, qapp):
    path = tmp_path / "clip.mp4"
    options = ("--clip", path, "--from", 1, "--to", 1.5, "--fps", 10, "--camera=left")
    status, out, err = review(*options)
    assert (status, out) == (0, "")
    assert f"5 pictures in {path}" in err
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 5
    status, _, err = review(*options)
    assert status == 2
    assert "got one" in err
    assert review(*options, "--speed=0.5", "--force")[0] == 0
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clip", "OUT/a.mp4"], "Expected --from and --to"),
        (["--from", "1"], "Expected --clip"),
        (["--figure", "OUT/a.gif"], "ends with .png, .svg, .pdf"),
        (["--clip", "OUT/a.gif", "--from", "1", "--to", "2"], ".mp4, .mkv or .mov"),
        (["--clip", "OUT/a.mp4", "--from", "2", "--to", "1"], "ends after it begins"),
        (["--clip", "SESSION/a.mp4", "--from", "1", "--to", "2"], "outside the rec"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    review, small_session, tmp_path, arguments, words
):
    places = {"OUT": str(tmp_path), "SESSION": str(small_session)}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    status, _, err = review(*arguments)
    assert status == 2
    assert words in err
    assert not list(tmp_path.iterdir())


def test_no_session_is_said(review, tmp_path):
    status, _, err = review("--json", session=tmp_path)
    assert status == 2
    assert "give the folder of a session" in err


def test_without_qt_it_says_what_to_install(review, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "find_spec", lambda name: None)
    options = ("--clip", tmp_path / "a.mp4", "--from", 1, "--to", 2)
    for arguments in ((), options):
        status, _, err = review(*arguments)
        assert status == 2
        assert 'pip install "springhare[monitor]"' in err
    assert review("--json")[0] == 0


def test_figures_and_json_do_without_a_screen(review, tmp_path, monkeypatch):
    shown = []

    def show(feed, *, at_s, screenshot):
        shown.append((feed.shown.session_id, at_s, screenshot))
        return 0

    monkeypatch.delenv("DISPLAY", raising=False)
    app = pytest.importorskip("rig.monitor.window.app")
    monkeypatch.setattr(app, "show_review", show)
    path = tmp_path / "a.svg"
    assert review("--figure", path, "--at", 2)[0] == 0
    assert shown == [("small", 2.0, path)]
