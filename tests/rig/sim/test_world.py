import subprocess
import sys

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.sim.world import (
    BODY_PARTS,
    EMG_CHANNELS,
    IMAGING_RATE_HZ,
    TUNINGS,
    World,
)
from rig.sim.world.body import JOINTS, MASS_FRACTIONS, centre_of_mass

STORIES = ("jump", "reach", "walk")
SEGMENTS = (
    ("iliac_crest", "hip"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("ankle", "mtp"),
    ("mtp", "toe"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("wrist", "forepaw"),
    ("tail_base", "tail_1"),
    ("neck", "nose"),
    ("neck", "trunk"),
)


@pytest.fixture(scope="module", params=[(s, k) for s in STORIES for k in (1, 2)])
def world(request):
    story, seed = request.param
    return World(seed, story)


@pytest.fixture(scope="module", params=range(1, 6))
def jump(request):
    return World(request.param, "jump")


def steps(world, step_s=0.0005):
    return np.arange(round(world.period_s / step_s)) * step_s


def integral(values, step_s):
    return step_s * (values[1:] + values[:-1]).sum(axis=0) / 2


class TestAnyStory:
    def test_body_parts_are_those_of_the_issue(self, world):
        expected = "nose eye forepaw iliac_crest hip knee ankle mtp toe tail_base"
        assert " ".join(BODY_PARTS) == expected
        assert world.keypoints_mm([0.0, 1.0, 2.0]).shape == (3, 10, 3)
        assert world.forces(0.1).shape == (1, 6)

    def test_segments_never_change_their_length(self, world):
        joints = world.joints_mm(steps(world, 0.001))
        for one, other in SEGMENTS:
            for side in ("", "_left"):
                a, b = (
                    name + side if name + side in JOINTS else name
                    for name in (one, other)
                )
                length = np.linalg.norm(
                    joints[:, world.joint(a)] - joints[:, world.joint(b)], axis=1
                )
                assert np.ptp(length) < 1e-9, (a, b)

    def test_nothing_is_below_the_ground(self, world):
        assert world.joints_mm(steps(world, 0.001))[..., 2].min() > -0.05

    def test_the_centre_of_mass_is_the_bodys(self, world):
        t = steps(world, 0.00137)
        weighed = centre_of_mass(world.joints_mm(t))
        assert np.abs(weighed - world.centre_of_mass_mm(t)).max() < 0.05

    def test_forces_are_mass_times_acceleration_of_what_a_camera_sees(self, world):
        h = 0.002
        t = steps(world, 0.004)
        seen = [centre_of_mass(world.joints_mm(t + k * h)) for k in (-1, 0, 1)]
        pull = (seen[2] - 2 * seen[1] + seen[0]) / h**2
        force = world.mass_g * (pull + np.array([0, 0, 9810.0])) / 1000.0
        miss = np.abs(force - world.forces(t)[:, :3])
        # A body that lands stops within milliseconds: compare where it does not.
        assert np.quantile(miss, 0.95) < 0.03 * world.weight_mn
        assert np.median(miss) < 0.005 * world.weight_mn

    def test_the_ground_carries_the_weight_over_a_period(self, world):
        mean = world.forces(steps(world)).mean(axis=0)
        np.testing.assert_allclose(
            mean[:3], [0, 0, world.weight_mn], atol=1e-3 * world.weight_mn
        )

    def test_the_ground_only_pushes(self, world):
        assert world.forces(steps(world))[:, 2].min() > -1e-6

    def test_the_centre_of_pressure_is_under_the_mouse(self, world):
        t = steps(world, 0.001)
        fz, mx, my = world.forces(t).T[2:5]
        pressed = fz > 0.1 * world.weight_mn
        cop = np.stack([-my, mx], axis=1)[pressed] / fz[pressed, None]
        away = cop - world.centre_of_mass_mm(t)[pressed, :2]
        assert np.linalg.norm(away, axis=1).max() < 25.0
        feet = [
            world.joint(name)
            for name in ("toe", "ankle", "toe_left", "forepaw", "forepaw_left")
        ]
        ahead = np.einsum(
            "njk,nk->nj",
            world.joints_mm(t)[pressed][:, feet, :2] - cop[:, None],
            world.heading(t)[pressed],
        )
        assert ahead.max(axis=1).min() > -3.0
        assert ahead.min(axis=1).max() < 3.0

    def test_moments_are_those_of_a_force_through_the_centre_of_mass(self, world):
        t = steps(world, 0.01)
        forces = world.forces(t)
        np.testing.assert_allclose(
            forces[:, 3:],
            np.cross(world.centre_of_mass_mm(t), forces[:, :3]),
            atol=1e-6,
        )

    def test_time_zero_stands_still_without_a_seam(self, world):
        around = world.period_s + np.array([-0.05, -0.01, -1e-6, 0.0, 1e-6, 0.01, 0.05])
        still = world.keypoints_mm(around)
        assert np.abs(still - world.keypoints_mm(0.0)).max() < 0.02
        np.testing.assert_allclose(
            world.forces(around)[:, :3],
            np.tile([0, 0, world.weight_mn], (7, 1)),
            atol=1e-2 * world.weight_mn,
        )

    def test_all_but_the_noise_repeats(self, world):
        t = steps(world, 0.05)
        later = t + 7 * world.period_s
        for signal in (
            world.keypoints_mm,
            world.forces,
            world.activation,
            world.dff,
            world.limb_speed_mm_s,
        ):
            np.testing.assert_allclose(signal(later), signal(t), atol=1e-4)
        index = np.arange(len(t))
        assert not np.allclose(
            world.emg_uv(t, index), world.emg_uv(later, index + 10_000)
        )

    def test_one_time_is_as_good_as_many(self, world):
        t = np.array([0.3, 1.2, 3.1])
        together = world.joints_mm(t)
        for k, time in enumerate(t):
            np.testing.assert_array_equal(world.joints_mm(time)[0], together[k])


class TestJump:
    def test_the_forces_impulse_is_the_take_off_velocity(self, jump):
        step = 1e-5
        t = np.arange(0.0, jump.take_off_s, step)
        force = jump.forces(t)[:, :3] - [0, 0, jump.weight_mn]
        gained = integral(force, step) / jump.mass_g * 1000.0
        np.testing.assert_allclose(
            gained, jump.take_off_velocity_mm_s, rtol=2e-3, atol=1.0
        )

    def test_nothing_presses_in_flight(self, jump):
        t = np.linspace(jump.take_off_s, jump.landing_s, 200)
        np.testing.assert_allclose(jump.forces(t), 0.0, atol=1e-4)
        before = jump.forces(jump.take_off_s - 0.005)[0, 2]
        assert before > 0.1 * jump.weight_mn

    def test_velocity_gives_height_and_air_time(self, jump):
        vx, _, vz = jump.take_off_velocity_mm_s
        assert vz**2 / (2 * 9810.0) == pytest.approx(jump.jump_height_mm, rel=1e-9)
        t = np.linspace(jump.take_off_s, jump.landing_s, 2000)
        rise = jump.centre_of_mass_mm(t)[:, 2]
        top = rise.max() - rise[0]
        assert top == pytest.approx(jump.jump_height_mm, rel=1e-3)
        air = jump.landing_s - jump.take_off_s
        fall = rise[-1] - rise[0]
        assert vz * air - 9810.0 * air**2 / 2 == pytest.approx(fall, abs=1e-6)
        along = np.ptp(jump.centre_of_mass_mm(t)[:, 0])
        assert along == pytest.approx(vx * air, rel=1e-6)

    def test_it_is_a_mouses_jump(self, jump):
        assert 22.0 < jump.mass_g < 28.0
        assert 20.0 < jump.jump_height_mm < 60.0
        peak = jump.forces(steps(jump))[:, 2].max() / jump.weight_mn
        assert 3.0 < peak < 8.0

    def test_feet_stay_where_they_stand(self, jump):
        t = np.arange(0.0, jump.take_off_s, 0.001)
        toe = jump.joints_mm(t)[:, jump.joint("toe")]
        assert np.ptp(toe, axis=0).max() < 0.01
        up = jump.joints_mm(0.5 * (jump.take_off_s + jump.landing_s))[0]
        assert up[:, 2].min() > 5.0

    def test_emg_leads_force_by_the_electromechanical_delay(self, jump):
        step = 0.0005
        t = np.arange(jump.onset_s - 0.1, jump.take_off_s + 0.02, step)
        calf = jump.activation(t)[:, EMG_CHANNELS.index("GL")]
        force = jump.forces(t)[:, 2]
        calf, force = calf - calf.mean(), force - force.mean()
        match = np.correlate(force, calf, mode="full")
        lead = (match.argmax() - (len(t) - 1)) * step
        assert lead == pytest.approx(jump.electromechanical_delay_s, abs=0.0015)
        assert 0.01 < jump.electromechanical_delay_s < 0.03

    def test_a_short_period_is_refused_in_words(self):
        with pytest.raises(ConfigError, match=r"at least .* got 2.0 s"):
            World(1, "jump", period_s=2.0)

    def test_a_longer_period_only_waits_longer(self):
        short, long = World(5, "jump"), World(5, "jump", period_s=6.0)
        t = np.linspace(0.0, 3.5, 50)
        np.testing.assert_allclose(
            short.forces(t)[:, :3], long.forces(t)[:, :3], atol=1e-6
        )


class TestReach:
    def test_only_the_forelimb_moves(self):
        world = World(1, "reach")
        points = world.keypoints_mm(steps(world, 0.01))
        moved = np.ptp(points, axis=0).max(axis=1)
        for name, reach in zip(BODY_PARTS, moved, strict=True):
            if name == "forepaw":
                assert reach > 12.0
            else:
                assert reach < 1e-6

    def test_the_paw_gets_to_the_pellet(self):
        world = World(2, "reach")
        paw = world.keypoints_mm(steps(world, 0.001))[:, 2]
        away = np.linalg.norm(paw - world.reach_target_mm, axis=1)
        assert away.min() < 0.1


class TestWalk:
    def test_it_comes_back_after_a_round(self):
        world = World(1, "walk")
        way = world.centre_of_mass_mm(steps(world, 0.005))[:, :2]
        length = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
        assert length == pytest.approx(2 * np.pi * 60.0, rel=0.02)

    def test_feet_do_not_slip(self):
        world = World(1, "walk")
        t = steps(world, 0.001)
        foot = world.joints_mm(t)[:, world.joint("toe")]
        speed = np.linalg.norm(np.diff(foot, axis=0), axis=1) / 0.001
        # The swing takes less than half of the stride: mostly it stands.
        assert np.mean(speed < 5.0) > 0.5
        assert speed.max() > 300.0


class TestEmg:
    def test_a_sample_is_a_function_of_its_number(self):
        world = World(1, "jump")
        index = np.arange(400, 500)
        t = index / 2000.0
        block = world.emg_uv(t, index)
        scattered = np.array([480, 7_000_000, 401])
        again = world.emg_uv(scattered / 2000.0, scattered)
        np.testing.assert_allclose(again[0], block[80], rtol=1e-9)
        np.testing.assert_allclose(again[2], block[1], rtol=1e-9)
        for k in (0, 50, 99):
            np.testing.assert_allclose(
                world.emg_uv(t[k], index[k])[0], block[k], rtol=1e-9
            )

    def test_its_strength_follows_the_envelope(self):
        world = World(3, "jump")
        index = np.arange(20 * 8000)
        signal = world.emg_uv(index / 2000.0, index).reshape(20, 8000, 8)
        strength = signal.std(axis=0).reshape(400, 20, 8).mean(axis=1)
        drive = world.activation(np.arange(8000) / 2000.0)
        drive = drive.reshape(400, 20, 8).mean(axis=1)
        for channel in range(8):
            fit = np.corrcoef(strength[:, channel], drive[:, channel])[0, 1]
            assert fit > 0.97, EMG_CHANNELS[channel]

    def test_its_band_is_that_of_emg(self):
        world = World(3, "jump")
        index = np.arange(40_000)
        quiet = world.emg_uv(np.full(len(index), 0.1), index)[:, 0]
        power = np.abs(np.fft.rfft(quiet)) ** 2
        hz = np.fft.rfftfreq(len(index), 1 / 2000.0)
        inside = power[(hz > 80) & (hz < 400)].mean()
        assert power[hz > 700].mean() < 0.4 * inside

    def test_the_other_side_is_later_and_weaker(self):
        world = World(1, "jump")
        t = np.arange(world.onset_s - 0.1, world.take_off_s + 0.1, 0.0005)
        right, left = world.activation(t)[:, [0, 4]].T
        assert left.max() < right.max()
        assert left.argmax() >= right.argmax()

    def test_it_fits_the_amplifier(self):
        for story in STORIES:
            index = np.arange(8000)
            signal = World(1, story).emg_uv(index / 2000.0, index)
            assert np.abs(signal).max() < 6000.0

    def test_no_sample_is_no_trouble(self):
        assert World(1, "reach").emg_uv([], []).shape == (0, 8)


class TestNeurons:
    def test_frames_come_at_their_rate_without_a_gap(self):
        world = World(1, "jump")
        edges = world.imaging_edges_s(0.0, 10.0)
        np.testing.assert_allclose(np.diff(edges), 1 / IMAGING_RATE_HZ)
        assert len(edges) == 300
        pieces = [world.imaging_edges_s(k * 0.37, (k + 1) * 0.37) for k in range(27)]
        joined = np.concatenate(pieces)
        np.testing.assert_array_equal(joined, edges[: len(joined)])

    def test_onset_cells_follow_the_onset_by_their_lag(self):
        world = World(4, "jump")
        cells = world.neurons
        t = steps(world, 0.002)
        rate = cells.rate(t)
        assert set(cells.tuning) == set(TUNINGS)
        for k, tuning in enumerate(cells.tuning):
            if tuning == "onset":
                peak = t[rate[:, k].argmax()]
                expected = world.onset_s + cells.lag_s[k]
                assert peak == pytest.approx(expected, abs=0.003)

    def test_speed_cells_follow_the_limb_by_their_lag(self):
        world = World(4, "walk")
        cells = world.neurons
        t = steps(world, 0.002)
        for k, tuning in enumerate(cells.tuning):
            if tuning == "limb_speed":
                speed = world.limb_speed_mm_s(t - cells.lag_s[k])
                fit = np.corrcoef(cells.rate(t)[:, k], speed)[0, 1]
                assert fit > 0.99

    def test_calcium_rises_fast_and_decays_slowly(self):
        world = World(4, "jump")
        cells = world.neurons
        t = steps(world, 0.002)
        k = cells.tuning.index("onset")
        trace = world.dff(t)[:, k]
        assert trace.max() == pytest.approx(cells.gain[k], rel=1e-3)
        peak = trace.argmax()
        rise = peak - np.flatnonzero(trace[:peak] < 0.5 * trace.max())[-1]
        decay = np.flatnonzero(trace[peak:] < 0.5 * trace.max())[0]
        assert decay > 1.5 * rise

    def test_noise_belongs_to_the_frame(self):
        world = World(1, "jump")
        noisy = world.dff([1.0, 1.1], [30, 33])
        np.testing.assert_array_equal(world.dff(1.1, 33)[0], noisy[1])
        clean = world.dff(np.full(3000, 1.0))
        noise = world.dff(np.full(3000, 1.0), np.arange(3000)) - clean
        assert noise.std() == pytest.approx(world.neurons.noise_sd, rel=0.02)


def test_mass_is_all_there():
    assert sum(share for share, *_ in MASS_FRACTIONS) == pytest.approx(1.0)


def test_an_unknown_story_is_refused_in_words():
    with pytest.raises(ConfigError, match="jump, reach, walk, got 'swim'"):
        World(1, "swim")  # pyright: ignore[reportArgumentType]


def test_seeds_make_different_mice():
    one, other = World(1, "jump"), World(2, "jump")
    assert one.mass_g != other.mass_g
    assert one.jump_height_mm != other.jump_height_mm


_CHILD = """
import hashlib
import numpy as np
from rig.sim.world import World
digest = hashlib.sha256()
for story in ("jump", "reach", "walk"):
    world = World(11, story)
    t = np.arange(0.0, 4.0, 0.01)
    index = np.arange(len(t))
    for values in (
        world.keypoints_mm(t), world.forces(t), world.emg_uv(t, index),
        world.dff(t, index),
    ):
        digest.update(np.ascontiguousarray(values).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_another_process_makes_the_same_world():
    runs = [
        subprocess.run(
            [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64
