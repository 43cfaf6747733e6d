"""What a world knows of itself, for whoever checks what was found in it: world.json.

Pure, but for `load` and `dump`. Written atomically; it exists exactly while the world runs (after a
kill -9 it stays, and its `pid` is nobody's).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.geography import country_of
from swarm.endpoint import Endpoint
from swarm.errors import WorldError
from swarm.infohash import InfoHash

FILE_NAME = "world.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmFacts:
    """One torrent of the world and all who are in its swarm.

    `peers` are all who are announced in the DHT, sorted; `real_peers` those of them behind which a
    real client shares. `tracker_peers` are the synthetic ones that the tracker lists, some of them
    in the DHT as well; empty where the torrent names no tracker. Real clients announce to it by
    themselves. `hidden_peers` are real clients that stand nowhere: only peers name them.
    `countries` counts peers by ISO 3166-1 alpha-2, "ZZ" for those that the database does not know.
    """

    infohash: InfoHash
    dht_keys: tuple[InfoHash, ...]
    name: str
    category: str
    size_bytes: int
    peers: tuple[Endpoint, ...]
    real_peers: tuple[Endpoint, ...]
    countries: Mapping[str, int]
    tracker_peers: tuple[Endpoint, ...] = ()
    hidden_peers: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldFacts:
    """A running world: where its services are, and what is in it. `pid` is its process."""

    seed: int
    pid: int
    bootstrap: str  # HOST:PORT of the DHT
    root_url: str  # of the indexer site
    tracker: str  # announce URL of the tracker
    geoip_city: Path
    geoip_asn: Path
    nodes: int  # live ones of the DHT
    sessions: int  # real clients
    torrents: tuple[SwarmFacts, ...]


def count_countries(peers: Iterable[Endpoint]) -> dict[str, int]:
    """Peers by the country in which the lab's geography has their address; biggest first."""
    counts = Counter(country_of(peer.address) for peer in peers if peer.address.version == 4)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def dump(facts: WorldFacts, path: Path) -> None:
    """Write the facts; a reader sees the whole file or none."""
    document = {
        "seed": facts.seed,
        "pid": facts.pid,
        "bootstrap": facts.bootstrap,
        "root_url": facts.root_url,
        "tracker": facts.tracker,
        "geoip_city": str(facts.geoip_city),
        "geoip_asn": str(facts.geoip_asn),
        "nodes": facts.nodes,
        "sessions": facts.sessions,
        "torrents": [_swarm_to_json(swarm) for swarm in facts.torrents],
    }
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as out:
        json.dump(document, out, ensure_ascii=False, indent=1)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def load(path: Path) -> WorldFacts:
    """Read the facts of a world.

    Raises:
        WorldError: there is no such file, or it is not one of ours; names it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return WorldFacts(
            seed=int(document["seed"]),
            pid=int(document["pid"]),
            bootstrap=str(document["bootstrap"]),
            root_url=str(document["root_url"]),
            tracker=str(document["tracker"]),
            geoip_city=Path(document["geoip_city"]),
            geoip_asn=Path(document["geoip_asn"]),
            nodes=int(document["nodes"]),
            sessions=int(document["sessions"]),
            torrents=tuple(_swarm_from_json(entry) for entry in document["torrents"]),
        )
    except FileNotFoundError:
        raise WorldError(f"no world runs here: {path} does not exist") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorldError(f"{path} is not the description of a lab: {error!r}") from error


def _swarm_to_json(swarm: SwarmFacts) -> dict[str, Any]:
    return {
        "infohash": swarm.infohash.hex,
        "dht_keys": [key.hex for key in swarm.dht_keys],
        "name": swarm.name,
        "category": swarm.category,
        "size_bytes": swarm.size_bytes,
        "peers": [[str(peer.address), peer.port] for peer in swarm.peers],
        "real_peers": [[str(peer.address), peer.port] for peer in swarm.real_peers],
        "countries": dict(swarm.countries),
        "tracker_peers": [[str(peer.address), peer.port] for peer in swarm.tracker_peers],
        "hidden_peers": [[str(peer.address), peer.port] for peer in swarm.hidden_peers],
    }


def _swarm_from_json(entry: Mapping[str, Any]) -> SwarmFacts:
    return SwarmFacts(
        infohash=InfoHash.from_hex(entry["infohash"]),
        dht_keys=tuple(InfoHash.from_hex(key) for key in entry["dht_keys"]),
        name=str(entry["name"]),
        category=str(entry["category"]),
        size_bytes=int(entry["size_bytes"]),
        peers=_endpoints(entry["peers"]),
        real_peers=_endpoints(entry["real_peers"]),
        countries={str(code): int(count) for code, count in entry["countries"].items()},
        tracker_peers=_endpoints(entry["tracker_peers"]),
        hidden_peers=_endpoints(entry["hidden_peers"]),
    )


def _endpoints(rows: Iterable[tuple[str, int]]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint.parse(f"{address}:{port}") for address, port in rows)
