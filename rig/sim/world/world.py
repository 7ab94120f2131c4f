"""The one truth that all simulated devices look into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from rig.errors import ConfigError
from rig.sim.world.body import BODY_PARTS, JOINTS, Body
from rig.sim.world.jump import plan_jump
from rig.sim.world.muscles import make_muscles
from rig.sim.world.neurons import IMAGING_RATE_HZ, make_neurons
from rig.sim.world.plan import GRAVITY_MM_S2, baked
from rig.sim.world.posing import joints_of
from rig.sim.world.reach import plan_reach
from rig.sim.world.walk import plan_walk

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Story", "World"]

Story = Literal["jump", "reach", "walk"]
"""What the mouse does: jumps on the force platform, reaches, walks a round."""

_PLANS = {"jump": plan_jump, "reach": plan_reach, "walk": plan_walk}


class World:
    """One mouse, its forces, muscles and neurons, as pure functions of world time.

    Time is in seconds and repeats with the period; the noise does not repeat. At
    time 0 the mouse stands still. Two worlds of the same arguments are the same
    in every process.

    Parameters
    ----------
    seed
        Any integer; it decides the mouse, its movement and all noise.
    story
        What the mouse does.
    period_s
        Time after which the story repeats.
    cells
        Number of neurons.

    Raises
    ------
    ConfigError
        If the story is unknown or does not fit into the period.

    Examples
    --------
    >>> world = World(seed=1, story="jump")
    >>> world.keypoints_mm([0.0, 1.2]).shape
    (2, 10, 3)
    >>> flight = 0.5 * (world.take_off_s + world.landing_s)
    >>> round(abs(world.forces(flight)[0, 2]), 6)
    0.0
    """

    def __init__(
        self, seed: int, story: Story, period_s: float = 4.0, *, cells: int = 40
    ) -> None:
        if story not in _PLANS:
            msg = (
                f"Expected a story out of {', '.join(get_args(Story))}, got "
                f"{story!r}: choose one of them"
            )
            raise ConfigError(msg)
        self.seed = int(seed)
        self.story: Story = story
        self.period_s = float(period_s)
        rng = np.random.default_rng([self.seed & 0xFFFFFFFF, list(_PLANS).index(story)])
        self.body = Body(
            mass_g=round(rng.uniform(23.0, 27.0), 2),
            scale=round(rng.uniform(0.96, 1.04), 4),
        )
        self.plan = _PLANS[story](self.body, self.period_s, rng)
        self._pose, self._centre = baked(self.plan, self.period_s)
        self._feet = self._pose.columns(9, 21)
        self._muscles = make_muscles(
            self.plan, self._centre, self._feet, self.seed, rng
        )
        times = np.arange(2000) * (self.period_s / 2000)
        self.neurons = make_neurons(
            self.seed & 0xFFFFFFFF,
            cells,
            self.period_s,
            self.onset_s,
            self.limb_speed_mm_s(times),
        )

    @property
    def mass_g(self) -> float:
        """Mass of the mouse in g."""
        return self.body.mass_g

    @property
    def weight_mn(self) -> float:
        """Weight of the mouse in mN."""
        return self.body.mass_g * GRAVITY_MM_S2 / 1000.0

    @property
    def onset_s(self) -> float:
        """Start of the story's movement: push-off, reach, or first step, in s."""
        return self.plan.onset_s

    @property
    def take_off_s(self) -> float | None:
        """Time at which the feet leave the ground in s; None without a jump."""
        return self.plan.take_off_s

    @property
    def landing_s(self) -> float | None:
        """Time at which the feet meet the ground in s; None without a jump."""
        return self.plan.landing_s

    @property
    def take_off_velocity_mm_s(self) -> tuple[float, float, float] | None:
        """Velocity of the centre of mass at take-off; None without a jump."""
        return self.plan.take_off_velocity_mm_s

    @property
    def jump_height_mm(self) -> float | None:
        """Rise of the centre of mass in flight; None without a jump."""
        return self.plan.jump_height_mm

    @property
    def reach_target_mm(self) -> tuple[float, float, float] | None:
        """Where the forepaw grasps; None without a reach."""
        return self.plan.reach_target_mm

    @property
    def electromechanical_delay_s(self) -> float:
        """Time by which the EMG leads the force, in s."""
        return self._muscles.delay_s

    def keypoints_mm(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return `BODY_PARTS` in the world, (n, 10, 3) mm."""
        return self.joints_mm(t_s)[:, : len(BODY_PARTS)]

    def joints_mm(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return all `JOINTS` of the body, (n, joints, 3) mm: what is drawn."""
        return joints_of(self._pose(t_s), self.body)

    def centre_of_mass_mm(
        self, t_s: ArrayLike, derivative: int = 0
    ) -> NDArray[np.float64]:
        """Return the centre of mass (n, 3) mm, or its velocity or acceleration."""
        return self._centre(t_s, derivative)

    def heading(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return the direction ahead (n, 2) in the horizontal plane."""
        heading = self._pose(t_s)[:, 3:5]
        return heading / np.linalg.norm(heading, axis=1, keepdims=True)

    def forces(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return the ground's force and moment on the mouse.

        The moment is about the platform's centre on its top. The force goes
        through the centre of mass: the body's own angular momentum is taken as
        zero.

        Returns
        -------
        (n, 6): Fx, Fy, Fz in mN; Mx, My, Mz in mN mm.
        """
        place = self._centre(t_s)
        pull = self._centre(t_s, 2) + np.array([0.0, 0.0, GRAVITY_MM_S2])
        force = self.body.mass_g * pull / 1000.0
        return np.concatenate([force, np.cross(place, force)], axis=1)

    def activation(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return the muscles' envelopes without noise, (n, 8), 0 to about 1."""
        return self._muscles.envelopes(t_s)

    def emg_uv(self, t_s: ArrayLike, sample_index: ArrayLike) -> NDArray[np.float64]:
        """Return the EMG in uV, channels as `EMG_CHANNELS`.

        Parameters
        ----------
        t_s
            World time of each sample (n,).
        sample_index
            Running number of each sample (n,): the noise is a function of the
            seed and this number, so that any process makes the same sample.

        Returns
        -------
        (n, 8).
        """
        return self._muscles.signal(t_s, sample_index)

    def limb_speed_mm_s(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Return the speed (n,) of the story's limb: forepaw in a reach, else toe."""
        first = 6 if self.story == "reach" else 0
        return np.linalg.norm(self._feet(t_s, 1)[:, first : first + 3], axis=1)

    def dff(
        self, t_s: ArrayLike, frame_index: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return ΔF/F (n, cells) of `neurons`.

        Parameters
        ----------
        t_s
            World times (n,).
        frame_index
            Running numbers of the imaging frames (n,): adds their noise, which is
            a function of the seed and this number. None is without noise.
        """
        return self.neurons.dff(t_s, frame_index)

    def imaging_edges_s(self, t0_s: float, t1_s: float) -> NDArray[np.float64]:
        """Return the rising edges of the microscope's frame clock in [t0, t1).

        Edge k is at k / `IMAGING_RATE_HZ`; this time does not repeat.
        """
        first = int(np.ceil(round(t0_s * IMAGING_RATE_HZ, 9)))
        last = int(np.ceil(round(t1_s * IMAGING_RATE_HZ, 9)))
        return np.arange(first, last) / IMAGING_RATE_HZ

    def joint(self, name: str) -> int:
        """Return the place of a joint in `joints_mm`."""
        return JOINTS.index(name)
