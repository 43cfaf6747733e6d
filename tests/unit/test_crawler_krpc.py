"""crawler.krpc: the BEP's own messages, our queries, and what broken ones give."""

from __future__ import annotations

import pytest
from bencode2 import bdecode

from crawler import krpc
from swarm.errors import MalformedMessage

ID = b"abcdefghij0123456789"
KEY = b"mnopqrstuvwxyz123456"


def test_reads_the_get_peers_replies_of_bep_5() -> None:
    """The two example replies of BEP 5 (shortened there) read as peers and as nodes."""
    with_values = krpc.decode(
        b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re"
    )
    assert with_values == krpc.Reply(
        b"aa", ID, b"", b"", (b"axje.u", b"idhtnm"), (), b"aoeusnth", None, None
    )


def test_reads_the_announce_of_bep_5() -> None:
    """The example announce_peer of BEP 5 reads with port, token and implied_port."""
    announce = krpc.decode(
        b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
        b"4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"
    )
    assert announce == krpc.Query(
        b"aa",
        b"announce_peer",
        ID,
        KEY,
        False,
        b"aoeusnth",
        6881,
        implied_port=True,
        scrape=False,
        seed=False,
    )


@pytest.mark.parametrize(
    ("datagram", "method", "target"),
    [
        (krpc.encode_get_peers(b"\x00\xff", ID, KEY), b"get_peers", KEY),
        (krpc.encode_get_peers(b"\x00\xff", ID, KEY, scrape=True), b"get_peers", KEY),
        (krpc.encode_find_node(b"t" * 4, ID, KEY), b"find_node", KEY),
        (krpc.encode_ping(b"", ID), b"ping", None),
    ],
)
def test_queries_are_read_only_and_tagged(
    datagram: bytes, method: bytes, target: bytes | None
) -> None:
    """All we send is sorted bencode, says ro=1 (BEP 43) and names the client in v."""
    raw = bdecode(datagram)
    assert (raw[b"ro"], raw[b"v"]) == (1, krpc.CLIENT_TAG)
    query = krpc.decode(datagram)
    assert isinstance(query, krpc.Query)
    assert (method, ID, target, True) == query[1:5]


def test_no_function_encodes_an_announce() -> None:
    """The codec cannot even spell an announce: the crawler never becomes a peer."""
    assert [name for name in dir(krpc) if "announce" in name] == []


def test_replies_read_back() -> None:
    """What a serving node encodes, the crawler decodes to the same columns."""
    nodes, peers = bytes(range(52)), [b"AAAAAA", b"BBBBBB"]
    full = krpc.encode_get_peers_reply(b"tt", ID, token=b"k", nodes=nodes, values=peers)
    assert krpc.Reply(b"tt", ID, nodes, b"", tuple(peers), (), b"k", None, None) == krpc.decode(
        full
    )
    found = krpc.encode_find_node_reply(b"tt", ID, nodes)
    assert krpc.Reply(b"tt", ID, nodes, b"", (), (), None, None, None) == krpc.decode(found)
    pong = krpc.encode_ping_reply(b"tt", ID)
    assert krpc.Reply(b"tt", ID, b"", b"", (), (), None, None, None) == krpc.decode(pong)
    refusal = krpc.encode_error(b"tt", 204, b"Method Unknown")
    assert krpc.ErrorReply(b"tt", 204, b"Method Unknown") == krpc.decode(refusal)


def test_unsorted_keys_are_read_on_the_second_try() -> None:
    """Deployed nodes that send unsorted dictionaries are understood all the same."""
    reply = krpc.decode(b"d1:y1:r1:t2:aa1:rd5:nodes0:2:id20:abcdefghij0123456789ee")
    assert krpc.Reply(b"aa", ID, b"", b"", (), (), None, None, None) == reply


def test_bogus_entries_are_left_out() -> None:
    """Peers of a wrong length and a cut-off last contact do not cost the rest of the reply."""
    reply = krpc.decode(
        b"d1:rd2:id20:abcdefghij01234567895:nodes30:" + b"n" * 30
        + b"6:valuesl6:AAAAAA5:short18:SIXSIXSIXSIXSIXSIXi7ele6:BBBBBBee1:t1:a1:y1:re"
    )  # fmt: skip
    assert isinstance(reply, krpc.Reply)
    assert (reply.nodes, reply.values, reply.values6) == (
        b"n" * 26,
        (b"AAAAAA", b"BBBBBB"),
        (b"SIX" * 6,),
    )


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"i1e",
        b"de",
        b"d1:t2:aae",
        b"d1:t2:aa1:y1:xe",
        b"d1:ti5e1:y1:re",
        b"d1:t2:aa1:y1:re",
        b"d1:rd2:id3:abce1:t2:aa1:y1:re",
        b"d1:q4:ping1:t2:aa1:y1:qe",
        b"d1:ele1:t2:aa1:y1:ee",
        b"d1:rd2:id20:abcdefghij0123456789e1:t2:aa1:y1:r",
        b"l" * 4096,
        b"d" * 4097,
        b"i" + b"9" * 4090 + b"e",
    ],
)
def test_what_is_no_message_is_malformed(datagram: bytes) -> None:
    """Each defect ends as MalformedMessage, and as nothing else."""
    with pytest.raises(MalformedMessage):
        krpc.decode(datagram)
