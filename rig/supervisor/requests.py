"""What any program may ask of a session: see `KNOWN`."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from rig.errors import SessionError, SpringhareError
from rig.recording.notes import note_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rig.messages import Request
    from rig.supervisor.children import Child
    from rig.supervisor.crew import Crew
    from rig.supervisor.rings import SessionRings
    from rig.supervisor.status import Status

__all__ = [
    "DECIDER",
    "KNOWN",
    "NoteRequest",
    "serve_meanwhile",
    "serve_strangers",
    "tell_actuator",
]

DECIDER = "inference"
"""The node that decides."""
KNOWN = ("status", "stop", "arm", "disarm", "note", "pulse")
"""``status`` and ``stop`` take no arguments, ``arm`` and ``disarm`` neither; ``note``
takes those of `NoteRequest`, ``pulse`` those of an action of the task file (line,
pulse_width_us, count, period_us), and ``at_ns``, the host time of the wish: one that
is old is refused."""
_WISH_NS = 1_000_000_000
"""A person who waited longer for a pulse does not expect it any more."""


class NoteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody wants to have on record."""

    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    """May be empty with a key only."""
    key: Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] | None = None
    """Hot key."""
    at_ns: int | None = None
    """Host time at which the key was pressed or the writing began; None is now."""


def serve_strangers(
    crew: Crew,
    rings: SessionRings,
    status: Callable[[], Status],
    stop: Callable[[str], None],
    actuator: str | None,
    started_ns: int,
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
    started_ns
        Host time of the session's start.
    """
    while crew.strangers:
        client, request = crew.strangers.pop(0)
        try:
            match request.name:
                case "arm" | "disarm" as word:
                    _require_decider(crew, f"to {word} the loop")
                    tell_actuator(word, f"asked by {client}", crew, rings, actuator)
                    crew.forward(client, request, DECIDER)
                case "pulse":
                    _ask_for_pulse(client, request, crew, rings.now_ns)
                case "note":
                    noted = _take_note(request.arguments, rings, started_ns)
                    crew.answer(client, request, noted)
                case _:
                    _serve(client, request, crew, status, stop)
        except SpringhareError as error:
            crew.answer(client, request, {}, str(error))


def serve_meanwhile(
    crew: Crew, status: Callable[[], Status], stop: Callable[[str], None]
) -> None:
    """Answer what can be answered while a session begins or ends: not what acts.

    Parameters
    ----------
    crew
        The session's nodes, that are being waited for.
    status
        Tells how the session stands.
    stop
        Ends the session, for a reason.
    """
    while crew.strangers:
        client, request = crew.strangers.pop(0)
        if request.name in {"status", "stop"}:
            _serve(client, request, crew, status, stop)
            continue
        msg = (
            f"Expected a session that records for {request.name!r}, got one that does "
            f"not: it is {status().phase}"
        )
        crew.answer(client, request, {}, msg)


def tell_actuator(
    word: str, why: str, crew: Crew, rings: SessionRings, actuator: str | None
) -> None:
    """Record that the loop is armed or disarmed, and tell the actuator's node first.

    It stops what is under way, which whoever decides cannot.
    """
    rings.note(DECIDER, word, why)
    if actuator is not None:
        crew.tell(actuator, word)


def _require_decider(crew: Crew, what_for: str) -> Child:
    """Return the node that decides: a decision is the only command there is."""
    decider = crew.children.get(DECIDER)
    if decider is None:
        msg = (
            f"Expected a session with an inference node {what_for}, got one without: "
            "a decision is the command, and it alone decides; give the task an "
            "inference section"
        )
        raise SessionError(msg)
    return decider


def _ask_for_pulse(client: str, request: Request, crew: Crew, now_ns: int) -> None:
    """Hand a pulse to whoever decides, unless it was wished for long ago."""
    decider = _require_decider(crew, "for a pulse by hand")
    if decider.gone or decider.state != "running":
        msg = (
            f"Expected the {DECIDER} node to run for a pulse by hand, it is "
            f"{'gone' if decider.gone else decider.state}: wait, or start anew"
        )
        raise SessionError(msg)
    arguments = {**request.arguments, "by": client}
    at_ns = arguments.pop("at_ns", now_ns)
    if not isinstance(at_ns, int) or now_ns - at_ns > _WISH_NS:
        msg = (
            "Expected at_ns of a pulse by hand to be a host time of the last second, "
            f"got {at_ns!r} at {now_ns}: ask again"
        )
        raise SessionError(msg)
    asked = msgspec.structs.replace(request, arguments=arguments)
    crew.forward(client, asked, DECIDER)


def _take_note(
    arguments: Mapping[str, Any], rings: SessionRings, started_ns: int
) -> dict[str, Any]:
    """Record a note; return the host time at which it stands."""
    try:
        note = msgspec.convert(arguments, NoteRequest)
    except msgspec.ValidationError as error:
        msg = (
            "Expected a note: text of at most 1000 characters, key from '0' to '9', "
            f"at_ns as a whole number, got something else: {error}"
        )
        raise SessionError(msg) from error
    text, key = note.text.strip(), note.key or ""
    if not text and not key:
        msg = "Expected a note of 1 to 1000 characters, got an empty one: write some"
        raise SessionError(msg)
    odd = next(
        (c for c in text if unicodedata.category(c) == "Cc" and c not in "\n\t"), ""
    )
    if odd:
        msg = f"Expected a note without control characters, got {odd!r}: leave it out"
        raise SessionError(msg)
    at_ns = now_ns = rings.now_ns
    if note.at_ns is not None and started_ns <= note.at_ns <= now_ns:
        at_ns = note.at_ns
    for event in note_events(text, key, at_ns):
        rings.record(event)
    return {"host_ns": at_ns}


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
            known = ", ".join(KNOWN)
            msg = f"Expected a request among {known}, got {request.name!r}"
            raise SessionError(msg)
