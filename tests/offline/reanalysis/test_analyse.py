"""`springhare analyse` as its user has it: poses are those of the recorded frames."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from offline.models import load_model
from offline.reanalysis import network, run
from offline.reanalysis.command import share_cores
from offline.reanalysis.poses_file import read_poses, session_poses
from rig.errors import SpringhareError

PROGRAM = "import sys; from rig.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def one_by_one():
    """What the model sees, frame by frame."""
    model = load_model("bundled:mouse", threads=1)

    def look(frames):
        model.warm_up(*frames[0].shape, 1)
        return np.stack([model.infer(frame) for frame in frames])

    yield look
    model.close()


def poses_path(session, camera="left"):
    return session / "derived" / "poses" / camera / "mouse.h5"


def cut_off(monkeypatch, blocks):
    """Have this process end its work after so many blocks, as a kill would."""
    left = iter(range(blocks))
    whole = network.look

    def look(*task):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return whole(*task)

    monkeypatch.setattr(run, "look", look)


class TestSession:
    def test_every_frame_of_every_camera(self, session, seen, analyse, one_by_one):
        status, out, _ = analyse(session)
        assert status == 0
        assert "left" in out
        assert session_poses(session) == [
            poses_path(session),
            poses_path(session, "right"),
        ]
        for camera, frames in seen.items():
            found = read_poses(poses_path(session, camera))
            assert found.frames.tolist() == list(range(len(frames)))
            assert found.poses.tobytes() == one_by_one(frames).tobytes()
            assert len(list(poses_path(session, camera).parent.iterdir())) == 2

    def test_the_sidecar_says_who_saw_it(self, session, analyse):
        analyse(session, "--camera", "right")
        assert len(session_poses(session)) == 1
        info = read_poses(poses_path(session, "right")).info
        assert info is not None
        assert (info.session_id, info.camera) == (session.name, "right")
        assert (info.model, info.engine, info.resize) == ("mouse", "onnx", 1.0)
        assert (info.frames, info.complete, info.rate_hz) == (40, True, 100)
        assert len(info.model_sha256) == 64
        assert info.provider == "CPUExecutionProvider"
        assert info.analysed_utc.endswith("+00:00")

    def test_what_is_there_is_kept(self, session, analyse):
        analyse(session)
        before = poses_path(session).stat().st_ino
        status, out, _ = analyse(session, "--json")
        told = json.loads(out)["sources"]
        assert (status, [one["outcome"] for one in told]) == (0, ["up to date"] * 2)
        assert poses_path(session).stat().st_ino == before
        _, out, _ = analyse(session, "--json", "--force", "--camera", "left")
        assert json.loads(out)["sources"][0]["outcome"] == "analysed"
        assert poses_path(session).stat().st_ino != before

    def test_a_dry_run_writes_nothing(self, session, analyse):
        _, out, _ = analyse(session, "--dry-run", "--json")
        told = json.loads(out)
        assert told["written"] is False
        assert [one["outcome"] for one in told["sources"]] == ["planned"] * 2
        assert [one["frames"] for one in told["sources"]] == [70, 40]
        assert not (session / "derived" / "poses").exists()

    def test_all_into_one_folder(self, session, analyse, tmp_path):
        analyse(session, "--out", tmp_path / "out")
        names = sorted(p.name for p in (tmp_path / "out").glob("*.h5"))
        assert names == [f"{session.name}_{c}DLC_mouse.h5" for c in ("left", "right")]
        assert not (session / "derived" / "poses").exists()

    def test_a_film_of_it(self, session, analyse):
        words = ("--camera", "left", "--video", "--video-to", "0.1", "--json")
        _, out, err = analyse(session, *words)
        film = poses_path(session).with_name("mouse_labeled.mp4")
        assert json.loads(out)["sources"][0]["video"] == str(film)
        assert film.stat().st_size
        assert str(film) in err
        status, _, err = analyse(session, "--video", "--video-from", "60")
        assert (status, "it lasts 0.70 s" in err) == (2, True)


class TestNothingIsOverwritten:
    def test_poses_of_another_model(self, session, analyse):
        analyse(session, "--camera", "left")
        path = poses_path(session).with_suffix(".json")
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "model_sha256": "0", "resize": 0.5}))
        before = poses_path(session).read_bytes()
        status, _, err = analyse(session)
        assert status == 2
        assert "model_sha256 0 (now " in err
        assert "resize 0.5 (now 1.0)" in err
        assert poses_path(session).read_bytes() == before
        assert len(session_poses(session)) == 1, "nothing else was begun"
        assert analyse(session, "--force")[0] == 0
        assert analyse(session)[0] == 0

    def test_poses_of_unknown_origin(self, session, analyse):
        poses_path(session).parent.mkdir(parents=True)
        poses_path(session).write_text("mine")
        status, _, err = analyse(session)
        assert (status, "of unknown origin" in err) == (2, True)
        assert poses_path(session).read_text() == "mine"


class TestCutOff:
    @pytest.mark.parametrize("blocks", [1, 3])
    def test_it_goes_on_bit_for_bit(self, session, analyse, monkeypatch, seen, blocks):
        with monkeypatch.context() as patch:
            cut_off(patch, blocks)
            assert analyse(session)[0] == 130
        assert len(session_poses(session)) == (blocks == 3)
        _, out, err = analyse(session, "--json")
        taken = [one["taken_over"] for one in json.loads(out)["sources"]]
        assert taken == {1: [32, 0], 3: [0, 0]}[blocks]
        assert ("32 frames were done before" in err) is (blocks == 1)
        found = [read_poses(path).poses.tobytes() for path in session_poses(session)]
        analyse(session, "--force")
        again = [read_poses(path).poses.tobytes() for path in session_poses(session)]
        assert found == again
        assert not list(session.glob("derived/poses/*/.*"))

    def test_not_with_other_settings(self, session, analyse, monkeypatch, seen):
        with monkeypatch.context() as patch:
            cut_off(patch, 2)
            analyse(session)
        place = poses_path(session).parent / ".work-mouse"
        assert len(list(place.glob("*.poses"))) == 2
        (place / "fingerprint").write_bytes(b"of another model")
        _, out, _ = analyse(session, "--json")
        assert json.loads(out)["sources"][0]["taken_over"] == 0

    def test_at_the_very_end(self, session, analyse, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("offline.reanalysis.work.Work.remove", lambda _: None)
            analyse(session)
        work = poses_path(session).parent / ".work-mouse"
        assert work.exists()
        assert "up to date" in analyse(session)[1]
        assert not work.exists()

    def test_between_the_sidecar_and_the_table(self, session, analyse):
        analyse(session, "--camera", "left")
        poses_path(session).rename(poses_path(session).with_name(".mouse.h5"))
        assert not session_poses(session)
        _, out, _ = analyse(session, "--camera", "left", "--json")
        assert json.loads(out)["sources"][0]["outcome"] == "analysed"

    @pytest.mark.slow
    def test_kill_9_and_workers(self, session_of, picture, analyse, one_by_one):
        frames = np.stack([picture(4, k, (240, 320)) for k in range(400)])
        session = session_of({"left": frames})
        words = [sys.executable, "-c", PROGRAM, "analyse", str(session)]
        words += ["--model", "bundled:mouse", "--threads", "1"]
        work = poses_path(session).parent / ".work-mouse"
        process = subprocess.Popen(words)
        while len(list(work.glob("*.poses"))) < 3:
            assert process.poll() is None, "it ended too soon"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not session_poses(session)
        done = len(list(work.glob("*.poses")))
        workers = "2" if len(os.sched_getaffinity(0)) > 1 else "1"
        status, out, _ = analyse(session, "--json", "--workers", workers)
        assert status == 0
        assert json.loads(out)["sources"][0]["taken_over"] == 32 * done
        found = read_poses(poses_path(session))
        assert found.poses.tobytes() == one_by_one(frames).tobytes()


class TestFilm:
    def test_every_frame_of_a_film(self, film_of, picture, analyse, one_by_one):
        pictures = [picture(1, k) for k in range(40)]
        path = film_of(pictures)
        assert analyse(path)[0] == 0
        found = read_poses(path.with_name("filmDLC_mouse.h5"))
        assert found.poses.tobytes() == one_by_one(pictures).tobytes()
        assert found.scorer == "DLC_mouse"
        assert found.info is not None
        assert (found.info.session_id, found.info.rate_hz) == (None, 25)

    def test_a_damaged_one_is_never_complete(self, cut_film, analyse):
        for outcome in ("analysed", "up to date"):
            status, out, err = analyse(cut_film, "--json")
            [told] = json.loads(out)["sources"]
            assert (status, told["outcome"], told["complete"]) == (1, outcome, False)
            assert "cut.mp4 is DAMAGED" in err
            assert "it says it has 70 frames" in err
        found = read_poses(cut_film.with_name("cutDLC_mouse.h5"))
        assert len(found.poses) == told["frames"] < 70
        assert found.info is not None
        assert found.info.complete is False

    def test_a_film_that_was_changed(self, film_of, picture, analyse):
        path = film_of([picture(1, k) for k in range(5)])
        analyse(path)
        film_of([picture(2, k) for k in range(5)])
        status, _, err = analyse(path)
        assert (status, "source_xxh3" in err) == (2, True)


class TestRefused:
    def test_all_faults_at_once(self, session, analyse, tmp_path):
        (tmp_path / "text.mp4").write_text("x")
        words = (tmp_path / "no.mp4", tmp_path / "text.mp4", session, tmp_path)
        status, _, err = analyse(*words)
        assert status == 2
        assert "Expected a session or a video at" in err
        assert "Expected a video in" in err
        assert "got no session.h5" in err
        assert not (session / "derived" / "poses").exists()

    def test_a_session_that_is_being_recorded(self, session_of, seen, analyse):
        folder = session_of(seen, finished=False)
        status, _, err = analyse(folder)
        assert (status, "being recorded" in err) == (2, True)
        assert not (folder / "derived" / "poses").exists()

    def test_a_session_that_lost_a_segment(self, session, analyse):
        next(p for p in (session / "segments").iterdir() if "left" in p.name).unlink()
        status, _, err = analyse(session)
        assert status == 2
        assert "segment" in err

    @pytest.mark.parametrize(
        ("frames", "words"),
        [
            (np.zeros((3, 48, 64), np.uint16), "Expected pictures of 8 bits from top"),
            (np.zeros((0, 48, 64), np.uint8), "Expected frames in"),
            (np.zeros((3, 48, 64, 3), np.uint8), "Expected grey frames"),
        ],
    )
    def test_frames_that_the_network_cannot_see(
        self, session_of, analyse, frames, words
    ):
        folder = session_of({"top": frames})
        status, _, err = analyse(folder)
        assert (status, words in err) == (2, True)
        assert not (folder / "derived" / "poses").exists()

    def test_no_such_camera_or_model(self, session, analyse):
        status, _, err = analyse(session, "--camera", "top")
        assert (status, "got top; there are: left, right" in err) == (2, True)
        status, _, err = analyse(session, model="bundled:cat")
        assert (status, "Expected a bundled model" in err) == (2, True)
        status, _, err = analyse(session, "--resize", "0.5")
        assert (status, "leave resize out" in err) == (2, True)

    def test_the_same_session_twice(self, session, analyse):
        status, _, err = analyse(session, session)
        assert (status, "Expected a file of its own" in err) == (2, True)

    def test_more_threads_than_cores(self):
        assert share_cores(8, 3, None) == 2
        assert share_cores(1, 1, None) == 1
        for workers, threads in ((3, 3), (9, None), (1, 9)):
            with pytest.raises(SpringhareError, match="at most 8 threads on 8 cores"):
                share_cores(8, workers, threads)
