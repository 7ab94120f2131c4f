"""Keys for streams that leave the machine: CURVE pairs in files of their owner's.

Two folders are made: one stays with the server, the other is carried to the
machine that reads, over a way that is trusted. ::

    keys/server/server.secret           keys/viewer/viewer.secret
    keys/server/clients/viewer.public   keys/viewer/server.public
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zmq

from rig.errors import BusyError, StreamError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ClientKeys",
    "KeyPair",
    "ServerKeys",
    "load_client_keys",
    "load_server_keys",
    "make_keys",
]

_Z85_BYTES = 40


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE pair, each 40 characters of Z85."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Show the public half only."""
        return f"KeyPair(public={self.public!r})"


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What a server needs: its own pair, and who may read."""

    pair: KeyPair
    clients: frozenset[bytes]
    """Public keys of the readers that are let in."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a reader needs: its own pair, and whom it trusts."""

    pair: KeyPair
    server: bytes
    """The server's public key."""


def make_keys(folder: Path, client: str = "viewer") -> tuple[Path, Path]:
    """Make keys for one more reader, and the server's if it has none yet.

    Returns
    -------
    tuple of Path
        The server's folder, and the one to be carried to the reader's machine.

    Raises
    ------
    BusyError
        If there are keys for that reader already.
    """
    server, reader = folder / "server", folder / client
    if client == "server" or reader.exists():
        msg = f"Expected a new reader, got {client!r}, which has its keys: name another"
        raise BusyError(msg)
    (server / "clients").mkdir(mode=0o700, parents=True, exist_ok=True)
    reader.mkdir(mode=0o700)
    if not (server / "server.secret").exists():
        _write_pair(server, "server")
    _write_pair(reader, client)
    public = (reader / f"{client}.public").read_bytes()
    (server / "clients" / f"{client}.public").write_bytes(public)
    (reader / "server.public").write_bytes((server / "server.public").read_bytes())
    return server, reader


def load_server_keys(folder: Path) -> ServerKeys:
    """Read a server's folder.

    Raises
    ------
    StreamError
        If a key is missing, is none, or may be read by others.
    """
    clients = [_read(path) for path in sorted((folder / "clients").glob("*.public"))]
    if not clients:
        msg = (
            f"Expected the keys of at least one reader in {folder / 'clients'}, got "
            "none: make some with springhare keys"
        )
        raise StreamError(msg)
    return ServerKeys(_read_pair(folder / "server.secret"), frozenset(clients))


def load_client_keys(folder: Path) -> ClientKeys:
    """Read a reader's folder.

    Raises
    ------
    StreamError
        If a key is missing, is none, or may be read by others.
    """
    secrets = sorted(folder.glob("*.secret"))
    if len(secrets) != 1:
        msg = (
            f"Expected one .secret file in {folder}, got {len(secrets)}: give the "
            "reader's folder that springhare keys made"
        )
        raise StreamError(msg)
    return ClientKeys(_read_pair(secrets[0]), _read(folder / "server.public"))


def _write_pair(folder: Path, name: str) -> None:
    public, secret = zmq.curve_keypair()
    (folder / f"{name}.public").write_bytes(public + b"\n")
    fd = os.open(folder / f"{name}.secret", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(public + b"\n" + secret + b"\n")


def _read_pair(path: Path) -> KeyPair:
    lines = _lines(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        msg = (
            f"Expected that only you may read {path} (0600), got {mode:04o}: "
            f"chmod 600 {path}"
        )
        raise StreamError(msg)
    if len(lines) != 2 or not all(_is_key(line) for line in lines):
        raise _no_key(path)
    return KeyPair(lines[0], lines[1])


def _read(path: Path) -> bytes:
    lines = _lines(path)
    if len(lines) != 1 or not _is_key(lines[0]):
        raise _no_key(path)
    return lines[0]


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split()
    except OSError as error:
        msg = (
            f"Expected a key in {path}, got {error.strerror}: make keys with "
            "springhare keys"
        )
        raise StreamError(msg) from error


def _is_key(line: bytes) -> bool:
    return len(line) == _Z85_BYTES and line.isascii()


def _no_key(path: Path) -> StreamError:
    msg = f"Expected a key of 40 characters in {path}, got something else: make it anew"
    return StreamError(msg)
