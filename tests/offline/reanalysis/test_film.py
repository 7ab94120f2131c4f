"""Films: every frame by its number, and what is wrong with a film in words."""

import struct

import numpy as np
import pytest

from offline.reanalysis.film import FilmReader, survey_film
from rig.errors import SessionError


@pytest.fixture
def pictures(picture):
    return [picture(1, k) for k in range(30)]


class TestReader:
    def test_frames_by_number_in_any_order(self, film_of, pictures):
        reader = FilmReader(film_of(pictures), colour=False)
        for start, stop in ((0, 3), (10, 12), (5, 9), (29, 30), (0, 30)):
            found = reader.read(start, stop)
            assert np.array_equal(np.stack(found), np.stack(pictures[start:stop]))
        reader.close()
        reader.close()

    def test_colours_are_rgb(self, film_of, pictures):
        coloured = [np.stack([p, p // 2, 255 - p], axis=-1) for p in pictures]
        path = film_of(coloured, form="bgr0")
        reader = FilmReader(path, colour=True)
        assert np.array_equal(reader.read(7, 8)[0], coloured[7])
        reader.close()
        assert survey_film(path).colour

    def test_a_frame_that_is_not_there(self, film_of, pictures):
        reader = FilmReader(film_of(pictures), colour=False)
        with pytest.raises(SessionError, match="got 1 of them"):
            reader.read(29, 32)
        reader.close()


class TestSurvey:
    def test_a_whole_film(self, film_of, pictures):
        found = survey_film(film_of(pictures))
        assert (found.frames, found.width_px, found.height_px) == (30, 64, 48)
        assert (found.colour, found.rate_hz, found.fault) == (False, 25, "")

    def test_films_that_differ_in_one_pixel(self, film_of, pictures):
        one = survey_film(film_of(pictures))
        pictures[7][3, 3] ^= 1
        assert survey_film(film_of(pictures)).digest != one.digest

    def test_the_second_half_is_lost(self, cut_film):
        found = survey_film(cut_film)
        assert 10 < found.frames < 60
        assert f"it says it has 70 frames, {found.frames} are there" in found.fault
        reader = FilmReader(cut_film, colour=True)
        assert len(reader.read(0, found.frames)) == found.frames
        reader.close()

    def test_a_cut_film_without_a_count(self, film_of, pictures):
        path = film_of(pictures)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 6 // 10])
        found = survey_film(path)
        assert 10 < found.frames < 25
        assert "File ended prematurely" in found.fault

    def test_frames_that_were_skipped_in_the_middle(self, film_of, pictures):
        path = film_of(pictures)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 4000] = bytes(4000)
        path.write_bytes(data)
        found = survey_film(path)
        assert found.frames < 30
        assert "FFmpeg found it damaged" in found.fault

    def test_a_frame_that_cannot_be_decoded(self, film_of, pictures):
        path = film_of(pictures)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
        path.write_bytes(data)
        found = survey_film(path)
        assert f"from frame {found.frames} on it cannot be decoded" in found.fault

    def test_sizes_that_change(self, film_of, pictures, picture, tmp_path):
        one = film_of(pictures, "one.ts", codec="mpeg2video", form="yuv420p")
        larger = [picture(1, k, (96, 128)) for k in range(5)]
        two = film_of(larger, "two.ts", codec="mpeg2video", form="yuv420p")
        path = tmp_path / "both.ts"
        path.write_bytes(one.read_bytes() + two.read_bytes())
        with pytest.raises(SessionError, match=r"Expected frames of 64x48 .* 128x96"):
            survey_film(path)


class TestRefused:
    def test_no_file(self, tmp_path):
        with pytest.raises(SessionError, match="Expected a video in"):
            survey_film(tmp_path / "no.mp4")

    def test_no_video(self, tmp_path):
        path = tmp_path / "text.mp4"
        path.write_text("not a film\n" * 100)
        with pytest.raises(SessionError, match="Expected a video in"):
            survey_film(path)

    def test_only_sound(self, tmp_path):
        path = tmp_path / "sound.wav"
        body = b"data" + struct.pack("<I", 2000) + bytes(2000)
        form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        length = struct.pack("<I", 4 + len(form) + len(body))
        path.write_bytes(b"RIFF" + length + b"WAVE" + form + body)
        with pytest.raises(SessionError, match="got no video stream"):
            survey_film(path)

    def test_no_frame(self, film_of, pictures):
        path = film_of(
            pictures,
            "empty.mp4",
            codec="libx264",
            form="yuv420p",
            options={"movflags": "faststart"},
        )
        data = path.read_bytes()
        path.write_bytes(data[: data.index(b"mdat") + 4])
        with pytest.raises(SessionError, match="got none that can be decoded"):
            survey_film(path)

    def test_16_bits(self, film_of, pictures):
        path = film_of([p.astype(np.uint16) * 200 for p in pictures], form="gray16le")
        with pytest.raises(SessionError, match=r"Expected 8 bits a colour .* got 16"):
            survey_film(path)
