import heapq

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.triggers import (
    Match,
    SentTriggers,
    Trigger,
    TriggerFollower,
    WiredTriggers,
)

MS = 1_000_000
PERIOD_NS = 10 * MS


def trigger(seq, at_ns=0):
    return Trigger(seq=seq, host_ns=at_ns, device_ns=at_ns)


class TestSentTriggers:
    def test_a_frame_belongs_to_the_trigger_that_was_sent(self):
        sent = SentTriggers()
        sent.send(trigger(3), 100)
        assert sent.frame(100, 0) == Match(trigger(3))
        assert sent.frame(200, 0) == Match()

    def test_a_trigger_without_a_frame_was_not_heard(self):
        sent = SentTriggers()
        sent.send(trigger(3), 100)
        sent.send(trigger(4), 200)
        assert sent.frame(250, 0) == Match(trigger(4), (trigger(3),))

    def test_a_trigger_whose_frame_was_lost_is_not_called_unheard(self):
        sent = SentTriggers()
        sent.send(trigger(3), 100)
        sent.send(trigger(4), 200)
        assert sent.frame(250, 1) == Match(trigger(4))

    def test_a_late_frame_keeps_its_trigger(self):
        sent = SentTriggers()
        sent.send(trigger(3), 1 * MS)
        sent.send(trigger(4), 9 * MS)
        assert sent.frame(2 * MS, 0) == Match(trigger(3))
        assert sent.frame(10 * MS, 0) == Match(trigger(4))

    def test_a_frame_that_seems_too_early_takes_the_oldest(self):
        sent = SentTriggers()
        sent.send(trigger(3), 5 * MS)
        assert sent.frame(1 * MS, 0) == Match(trigger(3))

    def test_without_stamps_only_the_order_counts(self):
        sent = SentTriggers()
        for n in range(4):
            sent.send(trigger(n), n * MS)
        assert sent.frame(None, 0) == Match(trigger(0))
        assert sent.frame(None, 1) == Match(trigger(2))
        assert len(sent) == 1

    def test_gives_up(self):
        sent = SentTriggers()
        sent.send(trigger(3), 100)
        sent.send(trigger(4), 200)
        assert (len(sent), sent.oldest_ns) == (2, 100)
        assert sent.overdue(200) == [trigger(3)]
        assert (len(sent), sent.oldest_ns) == (1, 200)

    @given(st.lists(st.sampled_from(["ok", "lost", "deaf"]), max_size=60))
    def test_each_trigger_is_accounted_for_once(self, fates):
        sent, matched, unheard, missing, lost = SentTriggers(), [], [], 0, 0
        for n, fate in enumerate(fates):
            sent.send(trigger(n), n * PERIOD_NS)
            if fate == "ok":
                match = sent.frame(n * PERIOD_NS + MS, missing)
                matched.append(match.trigger and match.trigger.seq)
                unheard += match.unheard
                assert match.surplus == 0
                lost, missing = lost + missing, 0
            else:
                missing += fate == "lost"
        assert matched == [n for n, fate in enumerate(fates) if fate == "ok"]
        assert len(matched) + len(unheard) + lost + len(sent) == len(fates)


class TestWiredTriggers:
    def seqs(self, matches):
        return [match.trigger and match.trigger.seq for match in matches]

    def deliver(self, wired, happenings):
        """Tell of triggers and frames in the order in which the host hears of them."""
        found, unheard = {}, []
        for _, _, kind, args in happenings:
            if kind == "trigger":
                wired.expect(args)
            else:
                n, frame = args
                match = wired.frame(*frame)
                found[n] = match.trigger and match.trigger.seq
                unheard += match.unheard
        return found, [*unheard, *wired.unheard()]

    @given(
        st.lists(
            st.sampled_from(["ok", "ok", "ok", "ok", "lost", "deaf"]),
            min_size=1,
            max_size=80,
        ),
        st.floats(-100e-6, 100e-6),
        st.integers(0, 10**12),
        st.integers(0, 2**32),
    )
    def test_each_frame_finds_its_own_trigger(self, fates, ppm, offset_ns, seed):
        rng = np.random.default_rng(seed)
        fates = ["ok", *fates, "ok"]  # the first one says where the others are
        heap, missing, known_ns = [], 0, 0
        for n, fate in enumerate(fates):
            at_ns = 10**12 + n * PERIOD_NS
            known_ns = max(known_ns, at_ns + int(rng.uniform(0.1, 60) * MS))
            event = Trigger(n, known_ns, 55 * 10**9 + n * PERIOD_NS)
            heapq.heappush(heap, (known_ns, 2 * n, "trigger", event))
            if fate == "ok":
                stamp_ns = offset_ns + round((at_ns - 10**12) * (1 + ppm))
                frame = (stamp_ns, at_ns + int(rng.uniform(0, 1) * MS), missing)
                arrived_ns = at_ns + int(rng.uniform(2, 9) * MS)
                heapq.heappush(heap, (arrived_ns, 2 * n + 1, "frame", (n, frame)))
                missing = 0
            else:
                missing += fate == "lost"
        wired = WiredTriggers(1e9 / PERIOD_NS)
        in_order = [heapq.heappop(heap) for _ in range(len(heap))]
        found, deaf = self.deliver(wired, in_order)
        assert all(seq in {n, None} for n, seq in found.items())
        assert len(deaf) == fates.count("deaf")
        assert len(wired) == 0

    def test_a_frame_before_its_trigger_is_known_later(self):
        wired = WiredTriggers(100)
        assert wired.frame(5, 10 * MS, 0) == Match()
        wired.expect(Trigger(0, 12 * MS, 0))
        assert len(wired) == 0
        wired.expect(Trigger(1, 21 * MS, 10 * MS))
        match = wired.frame(10 * MS + 5, 20 * MS, 0)
        assert self.seqs([match]) == [1]
        assert wired.unheard() == []

    def test_a_first_trigger_that_is_known_very_late_still_counts(self):
        wired = WiredTriggers(100)
        assert wired.frame(0, 50 * MS, 0) == Match()
        assert wired.frame(10 * MS, 60 * MS, 0) == Match()
        for n in range(3):
            wired.expect(Trigger(n, 80 * MS + n, n * PERIOD_NS))
        match = wired.frame(20 * MS, 70 * MS, 0)
        assert self.seqs([match]) == [2]
        assert wired.unheard() == []

    def test_a_frame_without_a_trigger_does_not_hold_up_the_others(self):
        wired = WiredTriggers(100)
        for n in (0, 2, 3):  # the host never heard of trigger 1
            wired.expect(Trigger(n, n * PERIOD_NS, n * PERIOD_NS))
        frames = [wired.frame(n * PERIOD_NS, n * PERIOD_NS, 0) for n in range(4)]
        assert self.seqs(frames) == [0, None, 2, 3]

    def test_without_stamps_only_the_order_counts(self):
        wired = WiredTriggers(100)
        for n in range(4):
            wired.expect(trigger(n, n * PERIOD_NS))
        frames = [wired.frame(-1, 0, missing) for missing in (0, 1, 0)]
        assert self.seqs(frames) == [0, 2, 3]
        assert wired.unheard() == []

    def test_a_clock_that_was_set_anew_leaves_the_order(self):
        wired = WiredTriggers(100)
        for n in range(3):
            wired.expect(trigger(n, n * PERIOD_NS))
        stamps = (9 * 10**9, 9 * 10**9 + PERIOD_NS, 5)
        frames = [wired.frame(stamps[n], n * PERIOD_NS, 0) for n in range(3)]
        assert self.seqs(frames) == [0, 1, 2]

    def test_begins_anew_after_a_reconnection(self):
        wired = WiredTriggers(100)
        wired.expect(trigger(0))
        wired.frame(10**9, 0, 0)
        wired.restart()
        for n in range(100, 103):
            wired.expect(trigger(n, n * PERIOD_NS))
        match = wired.frame(7, 101 * PERIOD_NS + MS, 0)
        assert self.seqs([match]) == [101]
        assert [one.seq for one in match.unheard] == [100]

    def test_gives_up(self):
        wired = WiredTriggers(100)
        wired.expect(trigger(0, 5))
        wired.expect(trigger(1, 10))
        assert [one.seq for one in wired.overdue(10)] == [0]
        assert len(wired) == 1


def test_follower_takes_rising_edges_of_its_line_only(camera_bench):
    follower = TriggerFollower(
        camera_bench.streams.reader("events/daq", 0), "camera_trigger"
    )
    assert follower.take() == []
    camera_bench.trigger(5, rate_hz=1000, extra_line=True).join()
    triggers = follower.take()
    assert [one.seq for one in triggers] == [0, 3, 6, 9, 12]
    assert type(triggers[0].host_ns) is int
    assert follower.finished
    assert follower.status.taken == 15
