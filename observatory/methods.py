"""methods.md of a run: how each of its numbers came about, for whoever reads them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from storage.durable import write_durably
from storage.manifest import DatabaseRecord, Manifest, RunKind
from storage.runs import RunReader
from swarm.place import UNKNOWN_COUNTRY
from swarm.text import percent

METHODS_NAME = "methods.md"

# Of the settings, those that numbers depend on. Others may be secret, or name paths of a machine.
_TOLD_SETTINGS = (
    "max_packets_per_s",
    "crawl_deadline_s",
    "processes",
    "ask_trackers",
    "announce_to_trackers",
    "visit_peers",
    "max_connections",
    "allow_local_peers",
    "direct_crawl",
    "store_addresses",
)

_NUMBERS = """\
| number | how it comes about |
|---|---|
| peers | distinct endpoints (address and port) of a swarm that a believed source named; a peer in two swarms counts in each, unless it says distinct |
| estimate, low, high | two halves of a swarm's holders as two catches: Chapman (1951), (n1 + 1)(n2 + 1)/(m + 1) - 1; the interval has the likeliest sizes that hold 95 % of the posterior, flat prior on the size, Jeffreys' on the chances |
| between, between_low, between_high | the same with the DHT and the trackers as catches |
| seeds, downloaders | addresses by the holders' filters (BEP 33); the interval is mid-p (Lancaster 1961) over the occupancy problem (Johnson and Kotz 1977) |
| seed_share | seeds / (seeds + downloaders); its ends are what both intervals leave possible, at least 90 % together (Bonferroni) |
| size of the DHT | (kL - 1) / sum of the reaches of the k-th closest nodes of L lookups; chi-squared interval |
| country, city | what the database says of the address; points without a city, or vaguer than 200 km, count for the country alone |
| cells | equal-area cells 1 degree high; the point is the mean position of the peers of the cell |
| median_mb | size of the torrent of the median peer, by peers |
| gini | 2 sum(i x_i) / (n sum(x)) - (n + 1)/n over those with anybody (Damgaard and Weiner 2000) |
| jaccard | peers in both swarms / peers in either; what either missed is missing, so shared is a lower bound |
| ratio, ratio_low, ratio_high, p, q | share of a country in a category over its share in all swarms; linearised with swarms as clusters (Cochran 1977), Student's t with Kish's effective number of swarms less 1; p by 1,999 permutations of categories over swarms (Phipson and Smyth 2010), q after Benjamini and Hochberg (1995) |
| new, stayed, gone | by pseudonyms of endpoints in both runs; the bounds allow for peers that were there and not seen: negative binomial, with the chance of being seen that the run's own estimate gives |
"""  # noqa: E501 - a row of a Markdown table is one line


def methods_text(run: RunReader) -> str:
    """The document, in Markdown. Names no peer, no path and no secret.

    Raises:
        StorageError: a part of the run does not read.
    """
    manifest = run.manifest
    blocks = [
        f"# Methods of run {manifest.run_id}",
        "\n".join(_origin(manifest)),
        "## Coverage",
        "\n".join(_coverage(run, manifest)),
        "## Who was asked, and who was not",
        "\n".join(_sources(manifest)),
        "## Where peers are",
        "\n".join(_databases(manifest)),
        "## Privacy",
        "\n".join(_privacy(manifest)),
        "## Settings",
        "\n".join(_settings(manifest)),
        "## How each number comes about",
        _NUMBERS.strip(),
        "## What these numbers do not say",
        "An address is not a person: several may share one, and one may have several. A place is "
        "a claim of a database about an address, and a proxy's address is the proxy's. Who never "
        "announced to the DHT or a tracker that was asked is in no count and in no interval.",
    ]
    return "\n\n".join(blocks) + "\n"


def write_methods(run: RunReader) -> None:
    """Write methods.md beside the manifest.

    Raises:
        StorageError: the run does not read, or the disk refuses.
    """
    write_durably(run.folder / METHODS_NAME, methods_text(run).encode())


def _origin(manifest: Manifest) -> Iterator[str]:
    at = manifest.ended_at
    ended = "not ended yet" if at is None else f"ended {at:%Y-%m-%d %H:%M} UTC"
    yield (
        f"Swarm Atlas {manifest.code_version}. Begun {manifest.started_at:%Y-%m-%d %H:%M} UTC, "
        f"{ended}; state: {manifest.state.value}."
    )
    if manifest.kind is RunKind.IMPORT:
        yield (
            f"Imported from records of another tool ({manifest.origin}): what it counted is kept "
            "as it stands, nobody was asked, and nothing is estimated."
        )
    if manifest.message:
        yield f"In its own words: {manifest.message}"


def _coverage(run: RunReader, manifest: Manifest) -> Iterator[str]:
    counts = manifest.counts
    yield f"- Swarms asked for: {counts.swarms_total:,}; complete: {counts.swarms_complete:,}"
    waiting = counts.swarms_total - counts.swarms_done
    for number, what in (
        (counts.swarms_cut_off, "cut off by the deadline (crawl_deadline_s), thus incomplete"),
        (counts.swarms_unreachable, "where no node near the key answered, thus unknown and not 0"),
        (waiting, "whose turn has not come"),
    ):
        if number:
            yield f"- Swarms {what}: {number:,}"
    yield f"- Peers found (memberships): {counts.peers:,}; {_located(run)}"
    if manifest.kind is RunKind.CRAWL:
        yield from _crawl_coverage(manifest)


def _crawl_coverage(manifest: Manifest) -> Iterator[str]:
    counts = manifest.counts
    if counts.recall is None:
        yield "- Recall: not measured, as no peer was known beforehand (canaries.txt)"
    else:
        yield (
            f"- Recall: {counts.canaries_found:,} of {counts.canaries_known:,} peers known "
            f"beforehand were found ({percent(counts.recall)})"
        )
    yield (
        f"- Packets sent: {counts.packets_sent:,}, received: {counts.packets_received:,}; "
        f"queries: {counts.queries:,}"
    )
    yield (
        f"- Nodes that named peers for keys that nobody announced: {counts.liars:,}; "
        f"peers that only such nodes named, dropped: {counts.peers_dropped:,}"
    )
    for name, size, low, high in (
        ("IPv4", counts.dht_nodes, counts.dht_nodes_low, counts.dht_nodes_high),
        ("IPv6", counts.dht6_nodes, counts.dht6_nodes_low, counts.dht6_nodes_high),
    ):
        if size is not None and low is not None and high is not None:
            yield f"- Size of the DHT ({name}), estimated: {size:,} nodes ({low:,} to {high:,})"


def _located(run: RunReader) -> str:
    peers = pl.col("peers")
    known = peers.filter(pl.col("country") != UNKNOWN_COUNTRY)
    everybody, placed = (
        run.tallies()
        .select(peers.sum().alias("all"), known.sum())
        .collect(engine="streaming")
        .row(0)
    )
    return f"with a country: {percent(placed / everybody)}" if everybody else "none to be placed"


def _sources(manifest: Manifest) -> Iterator[str]:
    if manifest.kind is RunKind.IMPORT:
        yield "- Nobody: this is an import."
        return
    counts = manifest.counts
    for asked, found, name in (
        (True, counts.peers_dht, "The DHT"),
        (counts.peers_trackers is not None, counts.peers_trackers, "Trackers, for peers"),
        (counts.peers_pex is not None, counts.peers_pex, "Peers themselves (PEX)"),
    ):
        if not asked:
            yield f"- {name}: not asked, so whom only they know is missing"
        elif found is None:
            yield f"- {name}: asked"
        else:
            yield f"- {name}: asked; named {found:,} of the peers"
    if counts.trackers_asked:
        yield (
            f"- Questions to trackers: {counts.trackers_asked:,}, answered: "
            f"{counts.trackers_answered:,}. Their own counts are kept apart and never added up."
        )
    if counts.visits:
        yield f"- Visits to peers: {counts.visits:,}, reached: {counts.visits_reached:,}"


def _databases(manifest: Manifest) -> Iterator[str]:
    if manifest.database is None:
        yield "Places are those of the records that were read; no database was asked."
    for record, what in (
        (manifest.database, "countries and cities"),
        (manifest.networks, "networks"),
        (manifest.hosting, "likely hosting"),
    ):
        if record is not None:
            yield f"- {what}: {_database(record)}"


def _database(record: DatabaseRecord) -> str:
    built = "build of unknown date" if record.built_on is None else f"build of {record.built_on}"
    said = f"{record.name}, {built}"
    if record.attribution and record.attribution_url:
        return f"{said}. [{record.attribution}]({record.attribution_url})"
    return f"{said}. {record.attribution}" if record.attribution else said


def _privacy(manifest: Manifest) -> Iterator[str]:
    if manifest.addresses_stored:
        yield "Addresses are stored in this run, by choice (store_addresses=yes)."
    elif manifest.prefixes_stored:
        yield (
            "Of each address the network that it is in is stored, by choice "
            "(store_addresses=prefix): the /24 of IPv4, the /48 of IPv6 (of 6to4 the /40). Peers "
            "are keyed pseudonyms; whoever knows a network still cannot tell which of its "
            "addresses one was, without the key."
        )
    else:
        yield (
            "No address is stored: peers are keyed pseudonyms, and whoever has no key cannot undo "
            "them. Pseudonyms of two runs compare as long as the key is the same."
        )


def _settings(manifest: Manifest) -> Iterator[str]:
    yield "| setting | value |"
    yield "|---|---|"
    for name in _TOLD_SETTINGS:
        if name in manifest.settings:
            yield f"| {name} | {_plain(manifest.settings[name])} |"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
