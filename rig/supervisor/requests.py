"""What any program may ask of a session: status, stop, arm, disarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rig.errors import SessionError, SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.messages import Request
    from rig.supervisor.crew import Crew
    from rig.supervisor.rings import SessionRings
    from rig.supervisor.status import Status

__all__ = ["DECIDER", "serve_strangers", "tell_actuator"]

DECIDER = "inference"
"""The node that decides."""


def serve_strangers(
    crew: Crew,
    rings: SessionRings,
    status: Callable[[], Status],
    stop: Callable[[str], None],
    actuator: str | None,
) -> None:
    """Answer the requests that have come from programs that are not nodes.

    Parameters
    ----------
    crew, rings
        The session's nodes and rings.
    status
        Tells how the session stands.
    stop
        Ends the session, for a reason.
    actuator
        The device that has the actuator, if there is one.
    """
    while crew.strangers:
        client, request = crew.strangers.pop(0)
        try:
            if request.name in {"arm", "disarm"}:
                tell_actuator(request.name, f"asked by {client}", crew, rings, actuator)
                crew.forward(client, request, DECIDER)
            else:
                _serve(client, request, crew, status, stop)
        except SpringhareError as error:
            crew.answer(client, request, {}, str(error))


def tell_actuator(
    word: str, why: str, crew: Crew, rings: SessionRings, actuator: str | None
) -> None:
    """Record that the loop is armed or disarmed, and tell the actuator's node first.

    It stops what is under way, which whoever decides cannot.
    """
    rings.note(DECIDER, word, why)
    if actuator is not None:
        crew.tell(actuator, word)


def _serve(
    client: str,
    request: Request,
    crew: Crew,
    status: Callable[[], Status],
    stop: Callable[[str], None],
) -> None:
    match request.name:
        case "status":
            crew.answer(client, request, msgspec.to_builtins(status()))
        case "stop":
            stop(f"asked to stop by {client}")
            crew.answer(client, request, {})
        case _:
            msg = (
                "Expected a request among status, stop, arm, disarm, got "
                f"{request.name!r}"
            )
            raise SessionError(msg)
