"""One peer is asked for metadata (BEP 9): what to request, how long to wait, when to give up. Pure.

Sits between a conversation, which knows the wire, and a hunt, which knows the blocks. Times are
monotonic seconds that the caller hands in.
"""

from __future__ import annotations

from collections.abc import Callable

from crawler.peers.assembly import MetadataHunt, Peer
from crawler.peers.conversation import Conversation
from crawler.peers.extended import MetadataKind, encode_metadata_request

_PIPELINE = 2  # requests under way


class Interview:
    """Asks one peer, as a part of one hunt."""

    def __init__(
        self,
        hunt: MetadataHunt,
        talk: Conversation,
        peer: Peer,
        send: Callable[[bytes], None],
        *,
        answer_timeout_s: float,
        pex_wait_s: float,
        now: float,
    ) -> None:
        self._hunt = hunt
        self._talk = talk
        self._peer = peer
        self._send = send
        self._answer_timeout_s = answer_timeout_s
        self._pex_wait_s = pex_wait_s
        self._began = self._progressed = now
        self._metadata_id: int | None = None  # once it has joined the hunt
        self._is_refused = False
        send(talk.greeting())

    def hear(self, chunk: bytes, now: float) -> None:
        """Take in what the peer said, answer, and ask on.

        Raises:
            MalformedMessage: it breaks the protocol, or gives what was not asked for.
        """
        self._send(self._talk.receive(chunk))
        if self._metadata_id is None:
            self._join(now)
        while self._talk.metadata and self._metadata_id is not None:
            message = self._talk.metadata.popleft()
            if self._is_refused:
                continue  # it has left the hunt
            if message.kind is MetadataKind.DATA:
                self._hunt.give(self._peer, message.piece, message.block)
                self._progressed = now
            else:
                self._is_refused = True
                self._hunt.leave(self._peer)
        self.pump(now)

    def _join(self, now: float) -> None:
        extension = self._talk.extension
        if extension is None or extension.metadata_id is None or extension.metadata_bytes is None:
            return  # nothing is offered, or not yet
        self._hunt.join(self._peer, extension.metadata_bytes)
        self._metadata_id = extension.metadata_id
        self._progressed = now

    def pump(self, now: float) -> None:
        """Ask for as many blocks as may be under way; also to be called when others' came."""
        if self._metadata_id is None or self._is_refused:
            return
        if not self._hunt.owes(self._peer):
            self._progressed = now
        while self._hunt.owes(self._peer) < _PIPELINE:
            index = self._hunt.ask(self._peer)
            if index is None:
                return
            self._send(encode_metadata_request(self._metadata_id, index))

    def patience(self, now: float) -> float:
        """For how long, in seconds, its next word is worth waiting for; 0 or less: not at all.

        A peer that is asked for nothing at the moment keeps its place for as long as one that is.
        """
        if self._peer in self._hunt.barred:
            return 0.0
        if self._metadata_id is not None and not self._is_refused:
            if not self._hunt.owes(self._peer):
                return self._answer_timeout_s
            return self._progressed + self._answer_timeout_s - now
        if not self._talk.is_shaken or (self._talk.is_owed and self._talk.extension is None):
            return self._began + self._answer_timeout_s - now
        if self._talk.awaits_peers:
            return self._began + self._pex_wait_s - now
        return 0.0
