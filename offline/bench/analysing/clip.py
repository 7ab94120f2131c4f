"""The beginning of a film, its pictures as they were coded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["copy_beginning"]


def copy_beginning(film: Path, clip: Path, frames: int) -> None:
    """Copy the first packets of a film, without coding anything anew.

    Parameters
    ----------
    film, clip
        The film, and the file to be made; both of the same kind.
    frames
        How many; a shorter film is copied whole.

    Raises
    ------
    SessionError
        If it is no film.
    """
    import av
    import av.error

    try:
        with av.open(str(film)) as source, av.open(str(clip), "w") as target:
            stream = source.streams.video[0]
            copy = target.add_stream_from_template(stream)
            for count, packet in enumerate(source.demux(stream)):
                if packet.dts is None or count == frames:
                    break
                packet.stream = copy
                target.mux(packet)
    except (av.error.FFmpegError, IndexError) as error:
        msg = f"Expected a film at {film}, got {error}: name another one"
        raise SessionError(msg) from error
