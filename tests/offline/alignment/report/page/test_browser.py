"""The page in a real browser: it opens without a complaint and is not blank."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import numpy as np
import pytest
from matplotlib.image import imread

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LIMIT_S = 90
_BACKS = {
    "light": {"passes": (0xE2, 0xF4, 0xEE), "ambiguous": (0xFB, 0xE6, 0xE3)},
    "dark": {"passes": (0x10, 0x32, 0x2A), "ambiguous": (0x43, 0x19, 0x1A)},
}
"""Colour behind the verdict."""


@pytest.fixture(scope="module")
def chromium():
    """A browser without a window."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"needs a browser: none of {', '.join(_NAMES)} is installed")
    return found


@pytest.fixture
def browse(chromium, tmp_path):
    """Opens a page; gives what the browser complains of, and what is seen."""

    def open_page(path, *flags):
        seen = tmp_path / "seen.png"
        seen.unlink(missing_ok=True)
        command = [
            chromium,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--log-level=0",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={seen}",
            *flags,
            path.as_uri(),
        ]
        with subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as browser:
            try:
                _, said = browser.communicate(timeout=_LIMIT_S)
            finally:
                _end(browser.pid)
        complaints = [line for line in said.splitlines() if "CONSOLE" in line]
        return complaints, np.asarray(imread(seen))[..., :3] * 255

    return open_page


def _end(pid):
    """End the browser and the processes it started: they are a group of their own."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.slow
def test_a_complaint_would_be_heard(browse, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<script>console.error('a complaint')</script>", encoding="utf-8")
    complaints, _ = browse(path, "--window-size=200,200")
    assert any("a complaint" in line for line in complaints)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["passes", "ambiguous"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 480)])
def test_the_page_opens_and_shows_its_verdict(
    cases, pages, browse, tmp_path, name, scheme, width
):
    path = tmp_path / "sync-report.html"
    path.write_text(pages(cases(name))[0], encoding="utf-8")
    complaints, seen = browse(
        path,
        f"--window-size={width},2400",
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
    )
    assert complaints == []
    assert seen.shape[:2] == (2400, width)
    back = np.array(_BACKS[scheme][name])
    alike = np.abs(seen[:400] - back).max(axis=2) < 3
    assert alike.mean() > 0.1
    assert len(np.unique(seen[::3, ::3].reshape(-1, 3).round(), axis=0)) > 50
    # text and pictures all the way down, and nothing beyond the right edge
    written = (np.abs(seen - seen[-1, 0]).max(axis=2) > 40).any(axis=1)
    assert written[800:1800].mean() > 0.2
    assert np.abs(seen[:, -4:] - seen[-1, 0]).max() < 3


@pytest.mark.slow
def test_names_that_are_scripts_do_not_run(cases, pages, browse, tmp_path):
    path = tmp_path / "sync-report.html"
    path.write_text(pages(cases("hostile"))[0], encoding="utf-8")
    complaints, _ = browse(path, "--window-size=1280,1200")
    assert complaints == []
