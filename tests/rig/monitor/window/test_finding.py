import threading

import pytest

from rig.errors import StreamError
from rig.monitor.window.finding import Finder


def test_nobody_waits_for_a_search(qtbot):
    may_end, searches = threading.Event(), []

    def find():
        searches.append(threading.current_thread())
        may_end.wait(10)
        return "link"

    finder = Finder(find)
    assert not finder.searching
    finder.begin()
    finder.begin()
    assert finder.searching
    assert not finder.done
    may_end.set()
    qtbot.waitUntil(lambda: finder.done)
    assert finder.take() == "link"
    assert not finder.searching
    [thread] = searches
    assert thread is not threading.main_thread()
    assert thread.daemon


def test_what_a_search_says_is_raised_to_whoever_takes_it(qtbot):
    def find():
        msg = "name one"
        raise StreamError(msg)

    finder = Finder(find)
    finder.begin()
    qtbot.waitUntil(lambda: finder.done)
    with pytest.raises(StreamError, match="name one"):
        finder.take()
    assert not finder.searching
