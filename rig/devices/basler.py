"""A Basler camera as a node: frames, each with its trigger, midpoint and losses.

::

    events/<source> ──▶ triggers ──▶ camera ──image──▶ ring: cameras/<name>
                            │           │ number, stamp
                            └── books ◀─┘ ──▶ ring: losses/<name>, clocks/<name>

One thread does it all: it sleeps until a trigger or an image is there. An image is
copied once, from the driver's buffer into the ring. (A driver that fills the ring's
slots itself would save that copy; but buffers are filled in the order in which they
were queued, a failed grab takes one too, and the slot that a reader is promised to
be whole for must not be in the driver's hands. The copy is the price of both.)

A camera that is unplugged is waited for; what was missed meanwhile is counted.
While it is looked for, a turn may take as long as the driver needs to open it.
"""

from __future__ import annotations

import logging
from math import ceil
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from rig.config.rig import BaslerConfig, FreeRunning, RigConfig, SoftwareTrigger
from rig.devices.camera import ExposureClock, FrameIds, camera_specs, payload_of
from rig.devices.camera_by_host import ByHost
from rig.devices.camera_by_wire import ByWire
from rig.devices.camera_driver import CameraGoneError
from rig.devices.camera_output import CameraOutput
from rig.devices.camera_triggering import ByItself, TriggerBooks, Triggering
from rig.devices.clock_rows import LATCH_HZ, MUTE_HZ, Exchange
from rig.devices.pylon import connect_pylon
from rig.devices.triggers import TriggerFollower
from rig.errors import DeviceError
from rig.messages import Frame, StreamSpec, StreamStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rig.bus.directory import StreamDirectory
    from rig.bus.notice import Waiter
    from rig.devices.camera_driver import CameraDriver, CameraInfo, Grab
    from rig.node import NodeContext
    from sync.clock import Clock

    Connect = Callable[[BaslerConfig, float, Clock], CameraDriver]

__all__ = ["BaslerCamera"]

_TURN_NS = 20_000_000
_HURRIED_NS = 1_000_000
_BUSY_NS = 30_000_000
_LATCH_NS = round(1e9 / LATCH_HZ)
_LOOK_NS = 500_000_000
_RETRY_NS = 250_000_000
_DRAIN_NS = 1_000_000_000
_FAILED = "failed grab: {}"
_JUMPED = "frame numbers jumped: lost between camera and host"
_SKIPPED = "skipped by the driver"
_GONE = "the camera was unplugged (estimated from the rate)"

logger = logging.getLogger(__name__)


class BaslerCamera:
    """The node of one Basler camera.

    Parameters
    ----------
    context
        What the node is given; `config` is the camera's section of the rig file.
    connect
        Opens the camera: (config, rate in Hz, clock) → driver.
    """

    def __init__(self, context: NodeContext, connect: Connect = connect_pylon) -> None:
        self._name = context.name
        self._config = BaslerConfig.model_validate(dict(context.config))
        self._rig = RigConfig.model_validate(dict(context.rig))
        self._rate_hz = self._rig.camera_rate_hz(self._name)
        self._clock = context.clock
        self._connect = connect
        self._driver: CameraDriver | None = None
        self._streams: StreamDirectory | None = None
        self._waiter: Waiter | None = None
        self._output: CameraOutput | None = None
        self._nothing = Event()
        """Never set: waits where there is nothing to wake us."""
        self._triggering: Triggering = ByItself()
        self._last_ns = self._lost_ns = self._retry_ns = 0
        self._look_ns = self._latch_ns = 0

    def open(self) -> Sequence[StreamSpec]:
        """Open the camera, set it up and check it; declare the streams.

        Raises
        ------
        DeviceError
            If it is not there or is not as the rig file wants it.
        BusyError
            If another process has it.
        """
        config = self._config
        self._driver = self._connect(config, self._rate_hz, self._clock)
        info = self._driver.info
        self._ids = FrameIds(info.ids)
        self._exposures = ExposureClock(info)
        clock_hz = MUTE_HZ if self._driver.latch() is None else LATCH_HZ
        return camera_specs(
            self._name,
            payload_of(config.pixel_format, config.width_px, config.height_px),
            self._rate_hz,
            config.ring_seconds,
            {
                "model": info.model,
                "serial": info.serial,
                "pixel_format": config.pixel_format,
                "exposure_us": info.exposure_ns / 1e3,
                "device_stamp": info.stamp,
                "trigger": config.trigger.mode,
            },
            clock_hz=None if info.stamp == "none" else clock_hz,
        )

    def attach(self, streams: StreamDirectory) -> None:
        """Take the writers, and the triggers from the device that gives them."""
        self._streams = streams
        self._output = CameraOutput(self._name, streams, self._clock)
        self._triggering = self._make_triggering(streams, self._output)

    def start(self) -> None:
        """Begin to acquire; from here on the camera hears its triggers."""
        driver = self._the_driver()
        driver.start()
        self._latch(driver)
        self._watch(driver)
        self._last_ns = self._clock.now()

    def step(self) -> None:
        """Wait for a trigger or an image, pass on what is there, look after all else.

        Raises
        ------
        DeviceError
            If the camera was unplugged and did not come back in time, or sends
            images of another shape.
        """
        driver = self._driver
        if driver is None:
            self._wait(_TURN_NS)
            self._triggering.unplugged()
            self._look_for_camera()
        else:
            try:
                self._turn(driver)
            except CameraGoneError as error:
                self._lose(driver, error)
        self._the_output().flush()

    def stop(self) -> None:
        """Serve the triggers that came, stop acquiring, close the streams."""
        output = self._the_output()
        self._drain()
        if self._driver is not None:
            self._driver.stop()
        self._triggering.finish()
        output.close()

    def close(self) -> None:
        """Let go of camera, sockets and streams; may be called twice."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None
        if self._waiter is not None:
            self._waiter.close()
            self._waiter = None
        if self._output is not None:
            self._output.close()

    def reads(self) -> Mapping[str, StreamStatus]:
        """Return how the node stands with the stream of triggers."""
        status = self._triggering.status()
        return {} if status is None else {f"events/{self._source}": status}

    def metrics(self) -> Mapping[str, float]:
        """Return the way from trigger to image, the clock and what waits."""
        model = self._exposures.clock.state
        found = {
            "plugged_in": float(self._driver is not None),
            "clock_sd_us": model.sd_ns / 1e3 if model else 0.0,
            "clock_skew_ppm": model.skew_ppb / 1e3 if model else 0.0,
        }
        latencies = [*self._triggering.latencies_ns()]
        if latencies:
            middle, tail = np.percentile(latencies, [50, 99]) / 1e6
            found["trigger_to_frame_p50_ms"] = float(middle)
            found["trigger_to_frame_p99_ms"] = float(tail)
            found["triggers_waiting"] = float(self._triggering.waiting())
        return found

    @property
    def _source(self) -> str:
        trigger = self._config.trigger
        return "" if isinstance(trigger, FreeRunning) else trigger.source

    def _the_driver(self) -> CameraDriver:
        if self._driver is None:
            msg = f"Expected camera {self._name} to be open, it is not: open it first"
            raise DeviceError(msg)
        return self._driver

    def _the_output(self) -> CameraOutput:
        if self._output is None:
            msg = f"Expected camera {self._name} to have streams: attach it first"
            raise DeviceError(msg)
        return self._output

    def _make_triggering(
        self, streams: StreamDirectory, output: CameraOutput
    ) -> Triggering:
        source = self._rig.trigger_sources.get(self._source)
        if source is None or source.camera_trigger is None:
            return ByItself()
        follower = TriggerFollower(
            streams.reader(f"events/{self._source}"), source.camera_trigger.line
        )
        exposure_ns = self._the_driver().info.exposure_ns
        books = TriggerBooks(follower, output, self._clock, exposure_ns)
        if isinstance(self._config.trigger, SoftwareTrigger):
            return ByHost(books)
        return ByWire(books, self._rate_hz)

    def _turn(self, driver: CameraDriver) -> None:
        self._wait(self._patience_ns(driver))
        self._triggering.listen()
        all_there = self._retrieve(driver)
        self._triggering.work(driver)
        now_ns = self._clock.now()
        if all_there and now_ns >= self._latch_ns:
            self._latch_ns = now_ns + _LATCH_NS
            self._latch(driver)
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + _LOOK_NS
            self._look_after(driver)

    def _patience_ns(self, driver: CameraDriver) -> int:
        longest_ns = _HURRIED_NS if self._triggering.hurried() else _TURN_NS
        due_ns = driver.due_ns()
        if due_ns is None:
            return longest_ns
        return min(max(due_ns - self._clock.now(), 0), longest_ns)

    def _wait(self, timeout_ns: int) -> None:
        if self._waiter is None:
            self._nothing.wait(timeout_ns / 1e9)
        else:
            self._waiter.wait(ceil(timeout_ns / 1e6))

    def _watch(self, driver: CameraDriver | None) -> None:
        """Wait for the triggers, and for the images of a camera that is there."""
        if self._waiter is not None:
            self._waiter.close()
            self._waiter = None
        names = [f"events/{self._source}"] if self._source else []
        descriptor = driver.file_descriptor() if driver is not None else None
        if self._streams is None or not (names or descriptor is not None):
            return
        self._waiter = self._streams.waiter(names)
        if descriptor is not None:
            # the poller below takes a file descriptor in a socket's place
            self._waiter.add_socket(descriptor)

    def _retrieve(self, driver: CameraDriver) -> bool:
        """Pass on the images that are there; tell whether that was all of them."""
        output = self._the_output()
        enough_ns = self._clock.now() + _BUSY_NS
        while self._clock.now() < enough_ns:
            grab = driver.retrieve(output.claim)
            if grab is None:
                return True
            if self._exposures.is_foreign(grab):
                self._latch(driver)
            self._take(grab, driver.info, output)
        return False

    def _take(self, grab: Grab, info: CameraInfo, output: CameraOutput) -> None:
        frame_id, missing = self._ids.take(grab.block_id)
        middle_ns = self._exposures.midpoint_ns(grab)
        exposed_ns = middle_ns - info.exposure_ns // 2
        trigger_seq, known = self._triggering.frame(grab, exposed_ns, missing)
        first_id = frame_id - missing
        output.lose("missing_ids", missing - known, _JUMPED, first_id, "transport")
        output.lose("skipped_images", grab.skipped, _SKIPPED, first_id, "transport")
        self._last_ns = grab.arrival_ns
        if grab.error:
            cause = _FAILED.format(grab.error)
            output.lose("failed_grabs", 1, cause, frame_id, "transport")
            return
        output.publish(
            Frame(
                host_ns=grab.arrival_ns,
                frame_id=frame_id,
                device_ns=grab.device_ns,
                exposure_ns=middle_ns,
                trigger_seq=trigger_seq,
            )
        )

    def _look_after(self, driver: CameraDriver) -> None:
        if driver.removed():
            msg = f"camera {self._config.serial} was removed"
            raise CameraGoneError(msg)
        self._the_output().clock(self._exposures.clock.state)

    def _latch(self, driver: CameraDriver) -> None:
        answer = driver.latch()
        if answer is not None:
            device_ns, sent_ns, received_ns = answer
            exchange = Exchange(sent_ns, device_ns, received_ns)
            self._exposures.latched(exchange)
            self._the_output().clock(self._exposures.clock.state, exchange)

    def _lose(self, driver: CameraDriver, error: CameraGoneError) -> None:
        logger.warning("%s: %s; waiting for it", self._name, error)
        self._driver = None
        driver.close()
        self._watch(None)
        self._the_output().count("disconnections")
        self._triggering.unplugged()
        self._lost_ns = self._retry_ns = self._clock.now()

    def _look_for_camera(self) -> None:
        now_ns = self._clock.now()
        if now_ns < self._retry_ns:
            return
        try:
            driver = self._connect(self._config, self._rate_hz, self._clock)
        except DeviceError as error:
            self._retry_ns = self._clock.now() + _RETRY_NS
            if now_ns - self._lost_ns < self._config.reconnect_s * 1e9:
                return
            self._miss(now_ns)
            msg = (
                f"Expected camera {self._config.serial} to be back within "
                f"{self._config.reconnect_s:g} s, got: {error}: check its cable"
            )
            raise DeviceError(msg) from error
        self._resume(driver)

    def _resume(self, driver: CameraDriver) -> None:
        self._driver = driver
        self._exposures.restart(driver.info)
        driver.start()
        self._triggering.unplugged()
        self._triggering.replugged()
        self._latch(driver)
        self._watch(driver)
        missed = self._miss(self._clock.now())
        self._ids.restart(driver.info.ids, missed)
        logger.info("%s: camera %s is back", self._name, self._config.serial)

    def _miss(self, now_ns: int) -> int:
        """Count what a camera that paces itself would have sent meanwhile."""
        if self._source:
            return 0  # its triggers are counted one by one
        missed = max(round((now_ns - self._last_ns) * self._rate_hz / 1e9) - 1, 0)
        self._the_output().lose("missing_ids", missed, _GONE, self._ids.next_id)
        return missed

    def _drain(self) -> None:
        """Serve what came before the stop, for at most a second."""
        deadline_ns = self._clock.now() + _DRAIN_NS
        self._triggering.listen()
        try:
            while self._driver is not None:
                self._retrieve(self._driver)
                late = self._clock.now() >= deadline_ns
                if late or not self._triggering.waiting():
                    return
                self._turn(self._driver)
        except CameraGoneError as error:
            if self._driver is not None:
                self._lose(self._driver, error)
