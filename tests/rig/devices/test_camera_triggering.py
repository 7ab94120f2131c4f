"""The books of triggers under everything that may happen to them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.camera import FrameIds
from rig.devices.camera_by_host import ByHost
from rig.devices.camera_by_wire import ByWire
from rig.devices.camera_driver import Grab, IdRule
from rig.devices.camera_triggering import ByItself, TriggerBooks
from rig.devices.triggers import Trigger
from sync.clock import ManualClock

MS = 1_000_000
EXPOSURE_NS = 2 * MS
PERIOD_NS = 10 * MS
FATES = st.lists(
    st.sampled_from(["ok"] * 6 + ["lost", "deaf", "failed"]), min_size=1, max_size=60
)


class Follower:
    """Triggers that the host learns of a little after they happened."""

    def __init__(self, clock, known_ns, stamps_ns):
        self.clock = clock
        self.coming = [
            Trigger(seq, host_ns, device_ns)
            for seq, (host_ns, device_ns) in enumerate(
                zip(known_ns, stamps_ns, strict=True)
            )
        ]
        self.status = None

    def take(self):
        now_ns = self.clock.now()
        found = [one for one in self.coming if one.host_ns <= now_ns]
        self.coming = [one for one in self.coming if one.host_ns > now_ns]
        return found


class Output:
    def __init__(self):
        self.counted = Counter()
        self.ignored = []

    def count(self, name, n=1):
        self.counted[name] += n

    def lose(self, counter, count, cause, first_id, stage="device"):
        self.counted[counter] += count
        self.ignored.append((first_id, cause))


class Camera:
    """Exposes when it is told, and loses, garbles or overhears as its fates say."""

    def __init__(self, clock, fates, delays_ns, stamped=True):
        self.clock = clock
        self.fates = list(fates)
        self.delays_ns = delays_ns
        self.stamped = stamped
        self.busy_ns = 0
        self.images = []
        self.number = 0
        self.truth = []

    def ready(self):
        return self.clock.now() >= self.busy_ns

    def trigger(self, trigger):
        self.expose(trigger.seq, self.clock.now())

    def expose(self, seq, at_ns):
        assert at_ns >= self.busy_ns
        fate = self.fates[seq]
        if fate == "deaf":
            return
        self.busy_ns = at_ns + EXPOSURE_NS
        arrival_ns = self.busy_ns + int(self.delays_ns[seq])
        if self.images:
            arrival_ns = max(arrival_ns, self.images[-1][0] + 1)
        self.images.append((arrival_ns, self.number, at_ns, fate, seq))
        self.number += 1

    def retrieve(self):
        now_ns = self.clock.now()
        found = [image for image in self.images if image[0] <= now_ns]
        self.images = [image for image in self.images if image[0] > now_ns]
        for _, number, at_ns, fate, seq in found:
            if fate != "lost":
                stamp_ns = at_ns if self.stamped else -1
                error = "torn" if fate == "failed" else ""
                yield Grab(number, stamp_ns, now_ns, error=error), at_ns, seq


def serve(triggering, camera, output, clock, steps_ns):
    """Turn the node's loop and keep the books that the node keeps."""
    ids, matches = FrameIds(IdRule()), []
    for step_ns in steps_ns:
        clock.advance(int(step_ns))
        triggering.listen()
        for grab, exposed_ns, true_seq in camera.retrieve():
            _, missing = ids.take(grab.block_id)
            seq, known = triggering.frame(grab, exposed_ns, missing)
            output.counted["missing_ids"] += missing - known
            output.counted["failed_grabs" if grab.error else "frames"] += 1
            matches.append((seq, true_seq))
        triggering.work(camera)
    triggering.finish()
    return matches


def accounted(output):
    names = ("frames", "failed_grabs", "missing_ids", "triggers_ignored")
    return sum(output.counted[name] for name in names)


def steps(rng, count, stalls):
    """Return the lengths of the loop's turns: short ones, and some stalls."""
    long = rng.choice(300, size=stalls, replace=False)
    turns = rng.uniform(0.2, 12, 300 + 14 * count) * MS
    turns[long] = rng.uniform(100, 5000, stalls) * MS
    return turns


@given(FATES, st.integers(0, 3), st.integers(0, 2**32), st.booleans())
def test_by_host_each_trigger_is_accounted_for_once(fates, stalls, seed, stamped):
    rng, clock, output = np.random.default_rng(seed), ManualClock(10**12), Output()
    at_ns = 10**12 + np.arange(len(fates)) * PERIOD_NS
    known_ns = np.maximum.accumulate(at_ns + (rng.uniform(0, 30, len(fates)) * MS))
    follower = Follower(clock, known_ns.astype(int).tolist(), at_ns.tolist())
    delays_ns = rng.uniform(0.1, 60, len(fates)) * MS
    camera = Camera(clock, fates, delays_ns, stamped)
    triggering = ByHost(TriggerBooks(follower, output, clock, EXPOSURE_NS))
    turns = steps(rng, len(fates), stalls)
    matches = serve(triggering, camera, output, clock, turns)
    assert output.counted["triggers_seen"] == len(fates) == accounted(output)
    assert triggering.waiting() == 0
    if stamped:
        assert all(seq == true_seq for seq, true_seq in matches)
    assert all(seq >= 0 for seq, _ in matches)


class Wired(Camera):
    """Exposes by itself, when the wire says so."""

    def wire(self, edges_ns):
        self.edges = list(enumerate(edges_ns))

    def retrieve(self):
        now_ns = self.clock.now()
        while self.edges and self.edges[0][1] <= now_ns:
            self.expose(*self.edges.pop(0))
        yield from super().retrieve()


@given(FATES, st.integers(0, 3), st.integers(0, 2**32))
def test_by_wire_each_trigger_is_accounted_for_once(fates, stalls, seed):
    fates = ["ok", *fates, "ok"]  # the first one says where the others are
    rng, clock, output = np.random.default_rng(seed), ManualClock(10**12), Output()
    at_ns = 10**12 + 5 + np.arange(len(fates)) * PERIOD_NS
    known_ns = np.maximum.accumulate(at_ns + (rng.uniform(0.1, 60, len(fates)) * MS))
    stamps_ns = np.arange(len(fates)) * round(PERIOD_NS * (1 + 80e-6)) + 10**10
    follower = Follower(clock, known_ns.astype(int).tolist(), stamps_ns.tolist())
    camera = Wired(clock, fates, rng.uniform(0.1, 60, len(fates)) * MS)
    camera.wire(at_ns.tolist())
    triggering = ByWire(
        TriggerBooks(follower, output, clock, EXPOSURE_NS), 1e9 / PERIOD_NS
    )
    turns = steps(rng, len(fates), stalls)
    matches = serve(triggering, camera, output, clock, turns)
    assert output.counted["triggers_seen"] == len(fates) == accounted(output)
    assert all(seq in {true_seq, -1} for seq, true_seq in matches)
    assert triggering.waiting() == 0


def test_a_gap_that_shows_late_is_not_counted_twice():
    clock, output = ManualClock(10**12), Output()
    known_ns = [10**12, 10**12 + 10_000 * MS]
    camera = Camera(clock, ["lost", "ok"], [MS, MS])
    follower = Follower(clock, known_ns, known_ns)
    triggering = ByHost(TriggerBooks(follower, output, clock, EXPOSURE_NS))
    serve(triggering, camera, output, clock, [10 * MS] * 1100)
    assert output.counted["triggers_ignored"] == 1
    assert output.counted["missing_ids"] == 0
    assert accounted(output) == 2


def test_a_trigger_given_up_does_not_explain_another_that_is_missing():
    clock, output = ManualClock(10**12), Output()
    known_ns = [10**12, 10**12 + 10_000 * MS, 10**12 + 10_010 * MS]
    camera = Camera(clock, ["deaf", "lost", "ok"], [MS] * 3)
    follower = Follower(clock, known_ns, known_ns)
    books = TriggerBooks(follower, output, clock, EXPOSURE_NS)
    serve(ByHost(books), camera, output, clock, [10 * MS] * 1100)
    assert output.counted["triggers_ignored"] == 1
    assert output.counted["missing_ids"] == 1
    assert accounted(output) == 3


def test_a_camera_may_fall_behind_for_as_long_as_it_delivers():
    """Ten images a second where a hundred are taken: the last is six seconds late."""
    n, clock, output = 60, ManualClock(10**12), Output()
    at_ns = [10**12 + 5 + k * PERIOD_NS for k in range(n)]
    follower = Follower(clock, [at + MS for at in at_ns], at_ns)
    camera = Wired(clock, ["ok"] * n, [k * 100 * MS for k in range(n)])
    camera.wire(at_ns)
    books = TriggerBooks(follower, output, clock, EXPOSURE_NS)
    matches = serve(ByWire(books, 100.0), camera, output, clock, [10 * MS] * 700)
    assert matches == [(k, k) for k in range(n)]
    assert output.counted["triggers_ignored"] == 0


@pytest.mark.parametrize("way", ["host", "wire"])
def test_triggers_of_a_camera_that_is_gone_are_ignored(way):
    clock, output = ManualClock(10**12), Output()
    known_ns = [10**12 + k * PERIOD_NS for k in range(6)]
    follower = Follower(clock, known_ns, known_ns)
    triggering = (
        ByHost(TriggerBooks(follower, output, clock, EXPOSURE_NS))
        if way == "host"
        else ByWire(TriggerBooks(follower, output, clock, EXPOSURE_NS), 100.0)
    )
    camera = Camera(clock, ["ok"] * 6, [MS] * 6)
    triggering.listen()
    if way == "host":
        triggering.work(camera)
    clock.advance(25 * MS)
    triggering.unplugged()
    triggering.replugged()
    assert output.ignored == [(k, "the camera was unplugged") for k in range(3)]
    assert triggering.waiting() == 0


def test_a_camera_that_paces_itself_has_no_books():
    way = ByItself()
    assert way.frame(Grab(0, -1, 0), 0, 3) == (-1, 0)
    assert (way.waiting(), way.hurried(), way.status()) == (0, False, None)
    assert [*way.latencies_ns()] == []
