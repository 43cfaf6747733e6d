"""Two runs side by side: per country, place and torrent, who was there before and after.

A peer of a torrent is the same one in both runs where its pseudonym is. So `new`, `stayed` and
`gone` are told only where both runs have the same key (`linked`), and are null otherwise. What is
missed by a run looks gone; how much of it may be that, the bounds of each torrent say
(`analysis.churn`). Peers are missed by torrent, not by country: sums over torrents have no bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analysis.churn import churn_by_torrent
from analysis.selection import point_key
from analysis.snapshot import Snapshot, same_torrent

_PEERS = {"before": pl.Int64, "after": pl.Int64}
_LINKED = {"new": pl.Int64, "stayed": pl.Int64, "gone": pl.Int64}
# How many truly came and went, at 95 %; see `analysis.churn.churn_table`.
_BOUNDS = {f"{name}_{end}": pl.Int64 for name in ("new", "gone") for end in ("low", "high")}


def compare_torrents(before: Snapshot, after: Snapshot, *, linked: bool) -> pl.DataFrame:
    """A row per torrent of either run: `torrent`, `infohash`, `name`, `before`, `after`, `new`,
    `stayed`, `gone`, `new_low`, `new_high`, `gone_low`, `gone_high`; the most peers first. Where
    only one run asked for it, all but that run's count is null: nobody knows who was there.
    """
    sides = [
        _torrents(one)
        .join(_sizes(one), on="swarm", how="left")
        .with_columns(pl.col("peers").fill_null(0))
        for one in (before, after)
    ]
    both = (
        sides[0]
        .join(sides[1], on="torrent", how="full", coalesce=True, suffix="_after")
        .select(
            "torrent",
            pl.coalesce("infohash", "infohash_after"),
            pl.coalesce("name", "name_after"),
            before=pl.col("peers"),
            after=pl.col("peers_after"),
        )
    )
    told = (*_LINKED, *_BOUNDS)
    churned = (
        churn_by_torrent(before, after).lazy().select("torrent", *told)
        if linked
        else pl.LazyFrame(schema={"torrent": pl.String, **_LINKED, **_BOUNDS})
    )
    in_both = pl.col("before").is_not_null() & pl.col("after").is_not_null()
    return (
        both.join(churned, on="torrent", how="left")
        .with_columns(pl.when(in_both & linked).then(pl.col(*told)))
        .sort(pl.max_horizontal("before", "after"), "torrent", descending=[True, False])
        .collect(engine="streaming")
    )


def compare_countries(before: Snapshot, after: Snapshot, *, linked: bool) -> pl.DataFrame:
    """A row per country, of the torrents that both runs asked for to the end: `country`,
    `before`, `after`, `new`, `stayed`, `gone`; the most peers first.
    """
    counts = [
        one.tallies.join(_common(one, other), on="swarm")
        .group_by("country")
        .agg(pl.col("peers").sum())
        for one, other in ((before, after), (after, before))
    ]
    return _side_by_side(counts, before, after, ["country"], linked=linked)


def compare_places(before: Snapshot, after: Snapshot, *, linked: bool) -> pl.DataFrame:
    """A row per point of the map, of the torrents that both runs asked for to the end: `key` (as in
    `Selection.place`), `country`, `city`, `before`, `after`, `new`, `stayed`, `gone`; the most
    peers first. Peers whose place is known no closer than a country are not among them.

    Where two databases place a peer at two points, it is gone from one and new at the other.
    """
    counts = [
        _placed(one)
        .join(_common(one, other), on="swarm")
        .group_by("key")
        .agg(pl.col("country", "city").drop_nulls().first(), peers=pl.len().cast(pl.Int64))
        for one, other in ((before, after), (after, before))
    ]
    table = _side_by_side(counts, before, after, ["key"], linked=linked)
    return table.select("key", "country", "city", *_PEERS, *_LINKED)


def _side_by_side(
    counts: Sequence[pl.LazyFrame],
    before: Snapshot,
    after: Snapshot,
    by: list[str],
    *,
    linked: bool,
) -> pl.DataFrame:
    churned = _stayed(before, after, by) if linked else _unknown(by)
    others = [name for name in ("country", "city") if name not in by and "key" in by]
    return (
        counts[0]
        .join(counts[1], on=by, how="full", coalesce=True, suffix="_after")
        .select(
            *by,
            *(pl.coalesce(name, f"{name}_after") for name in others),
            before=pl.col("peers").fill_null(0),
            after=pl.col("peers_after").fill_null(0),
        )
        .join(churned, on=by, how="left")
        .with_columns(pl.when(linked).then(pl.col(*_LINKED).fill_null(0)))
        .sort(pl.max_horizontal("before", "after"), *by, descending=[True, *(False for _ in by)])
        .collect(engine="streaming")
    )


def _torrents(snapshot: Snapshot) -> pl.LazyFrame:
    """The torrents that the run asked for to the end, each once."""
    ended = snapshot.swarms.join(snapshot.outcomes, on="swarm", how="semi")
    named = ended.select("swarm", "infohash", "name", same_torrent())
    return named.unique("torrent", keep="first", maintain_order=True)


def _common(one: Snapshot, other: Snapshot) -> pl.LazyFrame:
    """Swarms of `one` whose torrent the other run asked for, too."""
    shared = _torrents(one).join(_torrents(other), on="torrent", how="semi")
    return shared.select("swarm", "torrent")


def _sizes(snapshot: Snapshot) -> pl.LazyFrame:
    return snapshot.tallies.group_by("swarm").agg(pl.col("peers").sum())


def _placed(snapshot: Snapshot) -> pl.LazyFrame:
    known = snapshot.sightings.filter(pl.col("latitude").is_not_null())
    return known.with_columns(key=point_key())


def _stayed(before: Snapshot, after: Snapshot, by: list[str]) -> pl.LazyFrame:
    """Per group: in the second run alone, in both, in the first alone."""
    same = ["torrent", "peer", *by]
    members = [
        (_placed(one) if "key" in by else one.sightings)
        .join(_common(one, other), on="swarm")
        .select(*same)
        for one, other in ((before, after), (after, before))
    ]
    return (
        members[0]
        .with_columns(was=True)
        .join(members[1].with_columns(is_now=True), on=same, how="full", coalesce=True)
        .group_by(by)
        .agg(
            new=pl.col("was").is_null().sum().cast(pl.Int64),
            stayed=(pl.col("was") & pl.col("is_now")).sum().cast(pl.Int64),
            gone=pl.col("is_now").is_null().sum().cast(pl.Int64),
        )
    )


def _unknown(by: list[str]) -> pl.LazyFrame:
    return pl.LazyFrame(schema={**dict.fromkeys(by, pl.String), **_LINKED})
