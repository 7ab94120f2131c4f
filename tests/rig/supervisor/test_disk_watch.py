from rig.supervisor.disk_watch import DiskWatch


def test_warns_once_for_each_time_the_disk_runs_low():
    watch = DiskWatch()
    seen = [
        bool(watch.warning({"minutes_left": minutes}))
        for minutes in (30, 10.5, 9.9, 10.2, 9.5, 3, 11.9, 9, 40, 9.9, 1)
    ]
    assert seen.index(True) == 2
    assert [k for k, told in enumerate(seen) if told] == [2, 9]


def test_says_how_long_it_will_last():
    text = DiskWatch().warning({"minutes_left": 9.51})
    assert text == "the disk has room for 9.5 min more"


def test_stops_in_time_and_not_before():
    reason = DiskWatch.stop_reason
    assert not reason({})
    assert not reason({"minutes_left": 0.26, "disk_full": 0.0})
    assert reason({"minutes_left": 0.2}) == "the disk is nearly full: room for 12 s"
    assert "no room for the next segment" in reason(
        {"minutes_left": 9.0, "disk_full": 1.0}
    )


def test_a_recorder_that_knows_nothing_yet_is_no_reason_to_warn():
    assert not DiskWatch().warning({})
