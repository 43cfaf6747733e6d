"""KRPC, the message format of the DHT: bytes to messages and back. Pure; opens nothing.

Follows BEP 5 (messages), BEP 32 (`nodes6`, 18-byte peers), BEP 33 (`scrape`), BEP 43 (`ro`).
Both sides are here: the crawler encodes queries and decodes replies, the lab's simulated nodes
decode queries and encode replies. Queries that change a remote node (announce_peer) can be
decoded, but there is deliberately no function that encodes one.

Messages are named tuples, the cheapest immutable objects to create: one is made per datagram.
Contacts stay packed columns of bytes; peers are the byte strings that the decoder made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import libtorrent
from bencode2 import bdecode, bencode

from swarm.bloom import FILTER_BYTES
from swarm.errors import MalformedMessage

# `v` of all we send: two letters of the client, two bytes of version.
CLIENT_TAG: Final = b"SA\x00\x01"

# The largest datagram that is decoded. BEP 32 asks for at most 1,024 bytes and real nodes stay
# below an Ethernet frame; four times that is generous, and bounds what one packet can cost.
MAX_DATAGRAM_BYTES: Final = 4096

ID_BYTES: Final = 20
PEER_BYTES: Final = 6  # compact IPv4 peer: address, port
PEER6_BYTES: Final = 18
CONTACT_BYTES: Final = 26  # compact IPv4 node: id, address, port
CONTACT6_BYTES: Final = 38


class Query(NamedTuple):
    """What a node is asked. Fields that a method does not have are None."""

    transaction: bytes
    method: bytes  # b"ping", b"find_node", b"get_peers", b"announce_peer", or any other
    sender_id: bytes  # 20 bytes
    target: bytes | None  # 20 bytes: `info_hash` or `target`
    read_only: bool  # BEP 43: the asker serves nobody and belongs in no routing table
    token: bytes | None
    port: int | None
    implied_port: bool  # announce_peer: use the datagram's source port, not `port`
    scrape: bool  # BEP 33, get_peers: the asker would like filters of who shares
    seed: bool  # BEP 33, announce_peer: the announcer has all of it


class Reply(NamedTuple):
    """A node's answer to any query."""

    transaction: bytes
    sender_id: bytes  # 20 bytes
    nodes: bytes  # column of 26-byte contacts
    nodes6: bytes  # column of 38-byte contacts
    values: tuple[bytes, ...]  # 6-byte peers
    values6: tuple[bytes, ...]  # 18-byte peers
    token: bytes | None
    seeds: bytes | None  # BEP 33 `BFsd`: filter of the seeds' addresses, 256 bytes
    downloaders: bytes | None  # BEP 33 `BFpe`: filter of the others'


_new_tuple: Final[Callable[[type[Reply], tuple[object, ...]], Reply]] = tuple.__new__


class ErrorReply(NamedTuple):
    """A node's refusal, e.g. 203 protocol error or 204 method unknown."""

    transaction: bytes
    code: int
    text: bytes


Message = Query | Reply | ErrorReply


def decode(datagram: bytes) -> Message:
    """Read one datagram. Contacts and peers of a wrong length are left out, not fatal.

    Raises:
        MalformedMessage: it is no KRPC message, whatever the bytes are.
    """
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise MalformedMessage(f"a datagram of {len(datagram)} bytes is no KRPC message")
    message = _bdecode(datagram)
    if type(message) is not dict:
        raise MalformedMessage("a KRPC message is a dictionary")
    transaction = message.get(b"t")
    if type(transaction) is not bytes:
        raise MalformedMessage("the transaction id is missing")
    kind = message.get(b"y")
    if kind == b"r":
        return _read_reply(transaction, message.get(b"r"))
    if kind == b"q":
        return _read_query(transaction, message)
    if kind == b"e":
        return _read_error(transaction, message.get(b"e"))
    raise MalformedMessage("the message is neither query, reply nor error")


def _bdecode(datagram: bytes) -> Any:
    """Strict and fast first; deployed nodes that send unsorted keys get a lenient second try."""
    try:
        return bdecode(datagram)
    except ValueError:
        try:
            return libtorrent.bdecode(datagram)
        except RuntimeError as error:
            raise MalformedMessage("the datagram is not bencoded") from error


def _read_reply(transaction: bytes, body: Any) -> Reply:
    if not isinstance(body, dict):
        raise MalformedMessage("a reply without its dictionary")
    fields: dict[bytes, Any] = body
    node_id, token = fields.get(b"id"), fields.get(b"token")
    if type(node_id) is not bytes or len(node_id) != ID_BYTES:
        raise MalformedMessage("a node id has 20 bytes")
    values, values6 = _sort_peers(fields.get(b"values"))
    # What Reply(...) does, without the detour through Python.
    return _new_tuple(
        Reply,
        (
            transaction,
            node_id,
            _read_column(fields.get(b"nodes"), CONTACT_BYTES),
            _read_column(fields.get(b"nodes6"), CONTACT6_BYTES),
            values,
            values6,
            token if type(token) is bytes else None,
            _read_filter(fields.get(b"BFsd")),
            _read_filter(fields.get(b"BFpe")),
        ),
    )


def _read_query(transaction: bytes, message: dict[bytes, Any]) -> Query:
    method = message.get(b"q")
    arguments = message.get(b"a")
    if type(method) is not bytes or type(arguments) is not dict:
        raise MalformedMessage("a query without its method or arguments")
    target = arguments.get(b"info_hash", arguments.get(b"target"))
    token = arguments.get(b"token")
    port = arguments.get(b"port")
    return Query(
        transaction,
        method,
        _read_id(arguments.get(b"id")),
        target if type(target) is bytes and len(target) == ID_BYTES else None,
        message.get(b"ro") == 1,
        token if type(token) is bytes else None,
        port if type(port) is int and 0 < port < 65536 else None,
        arguments.get(b"implied_port") == 1,
        arguments.get(b"scrape") == 1,
        arguments.get(b"seed") == 1,
    )


def _read_error(transaction: bytes, body: Any) -> ErrorReply:
    match body:
        case [int(code), bytes(text), *_]:
            return ErrorReply(transaction, code, text)
        case _:
            raise MalformedMessage("an error without its code and text")


def _read_id(value: Any) -> bytes:
    if type(value) is bytes and len(value) == ID_BYTES:
        return value
    raise MalformedMessage("a node id has 20 bytes")


def _read_filter(value: Any) -> bytes | None:
    return value if type(value) is bytes and len(value) == FILTER_BYTES else None


def _read_column(value: Any, width: int) -> bytes:
    """The whole entries of a packed column; a broken last one is cut off."""
    if not isinstance(value, bytes):
        return b""
    excess = len(value) % width
    return value[:-excess] if excess else value


def _sort_peers(values: Any) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The peers of a reply by their width: of 6 bytes, and of 18."""
    if type(values) is not list:
        return (), ()
    if _are_peers(values):  # nearly always
        return tuple(values), ()
    strings = [value for value in values if type(value) is bytes]
    return (
        tuple([value for value in strings if len(value) == PEER_BYTES]),
        tuple([value for value in strings if len(value) == PEER6_BYTES]),
    )


def _are_peers(values: list[Any]) -> bool:
    for value in values:  # noqa: SIM110 - `all` costs three times as much
        if not isinstance(value, bytes) or len(value) != PEER_BYTES:
            return False
    return True


# --- What the crawler sends. Keys must stay sorted: a, q, ro, t, v, y. ---


def encode_get_peers(
    transaction: bytes, sender_id: bytes, infohash: bytes, *, scrape: bool = False
) -> bytes:
    """Ask who is in a swarm, as a read-only node (BEP 43); on `scrape` for filters too (BEP 33)."""
    if scrape:
        return (
            b"d1:ad2:id20:%b9:info_hash20:%b6:scrapei1ee1:q9:get_peers2:roi1e1:t%d:%b1:v4:%b1:y1:qe"
        ) % (sender_id, infohash, len(transaction), transaction, CLIENT_TAG)
    return b"d1:ad2:id20:%b9:info_hash20:%be1:q9:get_peers2:roi1e1:t%d:%b1:v4:%b1:y1:qe" % (
        sender_id, infohash, len(transaction), transaction, CLIENT_TAG,
    )  # fmt: skip


def encode_find_node(transaction: bytes, sender_id: bytes, target: bytes) -> bytes:
    """Ask for the contacts closest to a key, as a read-only node (BEP 43)."""
    return b"d1:ad2:id20:%b6:target20:%be1:q9:find_node2:roi1e1:t%d:%b1:v4:%b1:y1:qe" % (
        sender_id, target, len(transaction), transaction, CLIENT_TAG,
    )  # fmt: skip


def encode_ping(transaction: bytes, sender_id: bytes) -> bytes:
    """Ask whether a node is there, as a read-only node (BEP 43)."""
    return b"d1:ad2:id20:%be1:q4:ping2:roi1e1:t%d:%b1:v4:%b1:y1:qe" % (
        sender_id, len(transaction), transaction, CLIENT_TAG,
    )  # fmt: skip


# --- What a serving node sends: for the lab and for tests. ---

_NODES, _NODES6 = b"5:nodes", b"6:nodes6"


def encode_ping_reply(transaction: bytes, node_id: bytes) -> bytes:
    """Answer ping, and announce_peer, whose reply looks the same."""
    return b"d1:rd2:id20:%be1:t%d:%b1:y1:re" % (node_id, len(transaction), transaction)


def encode_find_node_reply(
    transaction: bytes, node_id: bytes, nodes: bytes, *, ipv6: bool = False
) -> bytes:
    """Answer find_node; `nodes` is a column of 26-byte contacts, of 38-byte ones for `ipv6`."""
    return b"d1:rd2:id20:%b%b%d:%be1:t%d:%b1:y1:re" % (
        node_id, _NODES6 if ipv6 else _NODES, len(nodes), nodes, len(transaction), transaction,
    )  # fmt: skip


def encode_get_peers_reply(
    transaction: bytes,
    node_id: bytes,
    *,
    token: bytes,
    nodes: bytes = b"",
    values: Iterable[bytes] = (),
    seeds: bytes | None = None,
    downloaders: bytes | None = None,
    ipv6: bool = False,
) -> bytes:
    """Answer get_peers; `nodes` is a column of 26-byte contacts, `values` 6-byte peers.

    For `ipv6` (BEP 32) they are 38-byte contacts and 18-byte peers.
    Where there is no value the key is left out, as BEP 5 has it. The filters of BEP 33, 256 bytes
    each, go with a reply to `scrape`; both or none.
    """
    length = b"18:" if ipv6 else b"6:"
    peers = b"".join([length + peer for peer in values])
    filters = b""
    if seeds is not None and downloaders is not None:
        filters = b"4:BFpe256:%b4:BFsd256:%b" % (downloaders, seeds)
    return b"d1:rd%b2:id20:%b%b%d:%b5:token%d:%b%be1:t%d:%b1:y1:re" % (
        filters, node_id, _NODES6 if ipv6 else _NODES, len(nodes), nodes, len(token), token,
        b"6:valuesl%be" % peers if peers else b"", len(transaction), transaction,
    )  # fmt: skip


def encode_error(transaction: bytes, code: int, text: bytes) -> bytes:
    """Refuse a query (BEP 5: 201 generic, 202 server, 203 protocol, 204 method unknown)."""
    refusal: bytes = bencode({b"e": [code, text], b"t": transaction, b"y": b"e"})
    return refusal
