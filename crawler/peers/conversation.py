"""One conversation with one peer, as a state machine: bytes in, bytes to answer out. Pure.

It greets, listens, and says no more than it must: `have none` where the peer speaks the fast
extension (BEP 6 demands one of three), our extension handshake (BEP 10), a refusal to who asks us
for metadata. Payload is never asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from crawler.peers import extended
from crawler.peers.client_names import name_of_peer_id
from crawler.peers.extended import ExtensionHandshake, MetadataKind, MetadataMessage
from crawler.peers.holdings import Holdings
from crawler.peers.wire import (
    HANDSHAKE_BYTES,
    Handshake,
    Kind,
    Message,
    MessageReader,
    check_handshake_start,
    decode_handshake,
    encode_handshake,
    encode_message,
)
from swarm.endpoint import Endpoint
from swarm.errors import MalformedMessage

# Of one peer in one conversation: a bitfield of 2 MB, then thousands of `have`.
_MOST_BYTES = 3_000_000
_MOST_HANDSHAKES = 20  # a peer may send its extension handshake again when something changed


class Conversation:
    """What was said so far. Feed `receive`, send what it returns, read the properties."""

    def __init__(
        self,
        infohash: bytes,
        peer_id: bytes,
        *,
        piece_count: int | None = None,
        metadata_bytes: int = 0,
    ) -> None:
        """Args:
        infohash: 20 bytes.
        peer_id: our own, 20 bytes.
        piece_count: of the torrent; None where unknown.
        metadata_bytes: how much metadata may come; 0 asks for none.
        """
        self._infohash = infohash
        self._peer_id = peer_id
        self._wants_metadata = metadata_bytes > 0
        self._allowance = _MOST_BYTES + 2 * metadata_bytes
        self._opening = b""
        self._reader = MessageReader()
        self._holdings = Holdings(piece_count)
        self._handshakes = 0
        self._handshake: Handshake | None = None
        self.extension: ExtensionHandshake | None = None
        self.told_peers: tuple[Endpoint, ...] | None = None  # of its first PEX message
        self.metadata: deque[MetadataMessage] = deque()  # to be taken: DATA and REJECT

    def greeting(self) -> bytes:
        """What to send first."""
        return encode_handshake(self._infohash, self._peer_id)

    @property
    def is_shaken(self) -> bool:
        """Whether the peer shook hands for this swarm."""
        return self._handshake is not None

    @property
    def is_owed(self) -> bool:
        """Whether the peer still has to say something that its handshake promised."""
        shake = self._handshake
        if shake is None or (shake.extended and self.extension is None):
            return True
        return shake.fast and not self._holdings.told

    @property
    def has_told_holdings(self) -> bool:
        """Whether it said which pieces it has."""
        return self._holdings.told

    @property
    def awaits_peers(self) -> bool:
        """Whether a first PEX message may come."""
        extension = self.extension
        return self.told_peers is None and extension is not None and extension.pex_id is not None

    @property
    def seed(self) -> bool | None:
        """Whether it has all; None if it did not tell."""
        extension = self.extension
        return self._holdings.is_seed(None if extension is None else extension.upload_only)

    @property
    def client(self) -> str | None:
        """What it calls itself, else what its peer id says."""
        if self.extension is not None and self.extension.client is not None:
            return self.extension.client
        return None if self._handshake is None else name_of_peer_id(self._handshake.peer_id)

    def receive(self, chunk: bytes) -> bytes:
        """Take in what came; returns what to send now, perhaps nothing.

        Raises:
            MalformedMessage: the peer speaks something else, of another swarm, or without end.
        """
        self._allowance -= len(chunk)
        if self._allowance < 0:
            raise MalformedMessage("a peer that talks without end")
        answer = b""
        if self._handshake is None:
            self._opening += chunk
            check_handshake_start(self._opening)
            if len(self._opening) < HANDSHAKE_BYTES:
                return b""
            chunk = self._opening[HANDSHAKE_BYTES:]
            answer = self._shake(decode_handshake(self._opening[:HANDSHAKE_BYTES]))
        return answer + b"".join(self._hear(message) for message in self._reader.feed(chunk))

    def _shake(self, handshake: Handshake) -> bytes:
        if handshake.infohash != self._infohash:
            raise MalformedMessage("a handshake for another swarm")
        self._handshake = handshake
        self._opening = b""
        answer = encode_message(Kind.HAVE_NONE) if handshake.fast else b""
        if handshake.extended:
            answer += extended.encode_extension_handshake(metadata=self._wants_metadata)
        return answer

    def _hear(self, message: Message) -> bytes:
        payload = message.payload
        match message.kind:
            case Kind.BITFIELD:
                self._holdings.take_bitfield(payload)
            case Kind.HAVE_ALL | Kind.HAVE_NONE:
                self._holdings.take_all(message.kind == Kind.HAVE_ALL)
            case Kind.HAVE:
                if len(payload) != 4:
                    raise MalformedMessage("a 'have' without its piece")
                self._holdings.take_have(int.from_bytes(payload))
            case Kind.EXTENDED:
                return self._hear_extended(payload)
        return b""

    def _hear_extended(self, payload: bytes) -> bytes:
        if not payload:
            raise MalformedMessage("an extended message without its id")
        number, body = payload[0], payload[1:]
        if number == extended.HANDSHAKE_ID:
            self._take_handshake(extended.decode_extension_handshake(body))
        elif number == extended.PEX_ID and self.told_peers is None:
            self.told_peers = extended.decode_pex(body)
        elif number == extended.METADATA_ID and self._wants_metadata:
            return self._hear_metadata(extended.decode_metadata_message(body))
        return b""

    def _take_handshake(self, said: ExtensionHandshake) -> None:
        self._handshakes += 1
        if self._handshakes > _MOST_HANDSHAKES:
            raise MalformedMessage("extension handshakes without end")
        before = self.extension
        if before is not None:  # BEP 10: a later one adds to the first
            said = replace(
                said,
                pex_id=said.pex_id or before.pex_id,
                metadata_id=said.metadata_id or before.metadata_id,
                client=said.client or before.client,
                metadata_bytes=said.metadata_bytes or before.metadata_bytes,
                our_address=said.our_address or before.our_address,
                upload_only=before.upload_only if said.upload_only is None else said.upload_only,
            )
        self.extension = said

    def _hear_metadata(self, message: MetadataMessage | None) -> bytes:
        if message is None:
            return b""
        if message.kind is not MetadataKind.REQUEST:
            self.metadata.append(message)
            return b""
        their_id = None if self.extension is None else self.extension.metadata_id
        return b"" if their_id is None else extended.encode_metadata_reject(their_id, message.piece)
