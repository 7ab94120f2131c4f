"""The same stream from another machine: a reader that pulls over TCP.

It asks with its own cursor and is answered with rows and payloads, many at a
time. A request with nothing to answer is held by the server until there is
something (`RemoteReader.wait`), so latency stays that of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.bus.remote_answers import Answer, AnswerReader
from rig.bus.remote_line import RemoteLine
from rig.errors import SpringhareError, StreamError

if TYPE_CHECKING:
    from rig.bus.keys import ClientKeys
    from rig.bus.reader import Batch
    from rig.bus.remote_messages import Policy

__all__ = ["RemoteReader", "remote_names"]

_MAX_BYTES = 4_000_000
_PATIENCE_GONE_MS = 50
"""How long a server that did not answer the last time is waited for."""


def remote_names(
    address: str, keys: ClientKeys | None = None, timeout_ms: int = 2000
) -> list[str]:
    """Return the names of all streams that a server has.

    Raises
    ------
    StreamError
        If it does not answer.
    """
    line = RemoteLine(address, keys)
    try:
        return line.ask(timeout_ms, stream="").names
    finally:
        line.close()


class RemoteReader(AnswerReader):
    """A reader of a stream on another machine; a `StreamReader`.

    Parameters
    ----------
    address
        The server's, e.g. ``tcp://192.168.1.10:5511``.
    stream
        Name of the stream.
    keys
        The reader's keys, where the server has some.
    start
        The `seq` to begin with; by default the next one to be published.
    timeout_ms
        How long an answer is waited for. While the server is gone a reader finds
        nothing new (`connected` tells); it goes on when the server is back.

    Raises
    ------
    StreamError
        If the server does not answer or has no such stream.
    VersionError
        If it is of another version.
    """

    def __init__(
        self,
        address: str,
        stream: str,
        keys: ClientKeys | None = None,
        start: int | None = None,
        timeout_ms: int = 2000,
    ) -> None:
        self._line = RemoteLine(address, keys)
        self._timeout_ms = timeout_ms
        try:
            reply = self._line.ask(timeout_ms, stream=stream)
        except SpringhareError:
            self.close()
            raise
        if reply.spec is None:
            self.close()
            msg = f"Expected a description of {stream!r}, got none"
            raise StreamError(msg)
        super().__init__(reply.spec, reply.head if start is None else start)
        self.generation = reply.generation
        self._session = reply.session
        self._state = reply
        self._answer: Answer | None = None
        self._asked: tuple[int, Policy, int] | None = None
        self._policy: Policy = "every"
        self.connected = True
        """Whether the server answered when it was last asked."""

    def read(self, most: int) -> Batch:
        """Return the next elements, in order, every one: at most `most`, maybe none.

        Asks the server when nothing is left of its last answer.

        Raises
        ------
        StreamError
            If the server has another session now.
        """
        self._policy = "every"
        answer = self._at_hand("every") or self._fetch("every", 0)
        return self._take(answer, most)

    def latest(self) -> Batch | None:
        """Return the newest element that was not read yet; skip the ones before it.

        Raises
        ------
        StreamError
            If the server has another session now.
        """
        self._policy = "newest"
        answer = self._at_hand("newest") or self._fetch("newest", 0)
        batch = self._take(answer, 1)
        return batch if len(batch) else None

    def wait(self, timeout_ms: int) -> bool:
        """Wait until there is something new for the way of reading used last.

        Returns
        -------
        bool
            Whether there is; False after `timeout_ms`.
        """
        if self._at_hand(self._policy) is None:
            self._fetch(self._policy, timeout_ms)
        return self._answer is not None

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._line.close()

    def _at_hand(self, policy: Policy) -> Answer | None:
        """Return what an answer still holds, or one that has come in since."""
        answer = self._answer
        if answer is not None and answer.policy != policy:
            answer = self._answer = None  # not taken yet: it is asked for again
        if answer is None and self._asked is not None:
            since, asked, cursor = self._asked
            if asked == policy and cursor == self.cursor:
                answer = self._receive(since, policy, 0)
        return answer

    def _fetch(self, policy: Policy, wait_ms: int) -> Answer | None:
        """Ask the server for news, that it may hold back until there are some."""
        patience_ms = self._timeout_ms if self.connected else _PATIENCE_GONE_MS
        request_id = self._line.send(
            max(patience_ms, wait_ms),
            stream=self._spec.name,
            session=self._session,
            cursor=self.cursor,
            policy=policy,
            max_bytes=_MAX_BYTES,
            wait_ms=wait_ms,
        )
        self.connected = False
        if request_id is None:
            return None
        since = request_id
        if self._asked is not None and self._asked[1:] == (policy, self.cursor):
            since = self._asked[0]  # an answer to the same question is as good
        self._asked = (since, policy, self.cursor)
        return self._receive(since, policy, wait_ms + patience_ms)

    def _receive(self, since: int, policy: Policy, timeout_ms: int) -> Answer | None:
        found = self._line.receive(since, timeout_ms)
        if found is None:
            return None
        self._asked = None
        self.connected = True
        self._state, frames = found
        answer = Answer(self._state, policy, frames[0].bytes, frames[1])
        self._answer = None if answer.empty else answer
        return self._answer

    def _take(self, answer: Answer | None, most: int) -> Batch:
        """Take up to `most` elements of an answer, and forget one that is used up."""
        if answer is None:
            return self._nothing()
        batch, used_up = self._consume(answer, most)
        if used_up:
            self._answer = None
        return batch
