"""RunView: one run, archived or live, as the page and exports ask for it.

Main figures come from a roll-up of the run, so its raw sightings are not read for them. A selection
of one place or one swarm is rolled up from the raw rows of it, once.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import polars as pl

from analysis.distinct import MOST_ROWS, distinct_peers
from analysis.place_code import known_place, point_of_place
from analysis.rollup import Rollup, binned, kinds_of, of_country, of_kind, roll_up
from analysis.selection import Bounds, Selection, at_place, spot_key, spot_number
from analysis.swarm_list import swarm_order, swarm_rows
from analysis.tables import Binning, countries_table
from analysis.totals import RunTotals, located_share, summed_estimate
from observatory.rollups import Rollups, readable
from storage.manifest import RunKind
from storage.runs import RunReader
from swarm.place import UNKNOWN_COUNTRY
from swarm.sighting import Source

_TOP_TORRENTS = 3
_SHORT = {"latitude": "lat", "longitude": "lon"}
_ORDERS_KEPT = 32  # of the list of swarms; 4 bytes a swarm each


class RunView:
    """One run at one revision; cheap to make. Frames are small, and eager.

    Peers are memberships here unless it says distinct: a peer in two swarms counts in each.
    """

    def __init__(self, reader: RunReader, rollup: Rollup) -> None:
        self._reader = reader
        self._whole = rollup
        self._narrow: dict[tuple[str | None, int | None], Rollup] = {}
        self._order = lru_cache(maxsize=_ORDERS_KEPT)(self._swarm_order)

    @cached_property
    def swarm_table(self) -> pl.DataFrame:
        """SWARM_COLUMNS of all swarms that the run asks for."""
        return self._reader.swarms().collect()

    @cached_property
    def _kind_of_swarm(self) -> pl.DataFrame:
        return kinds_of(self.swarm_table)[1]

    def key_numbers(self, selection: Selection = Selection()) -> RunTotals:  # noqa: B008 - frozen
        """The figures that stand above all charts."""
        rollup = self._rollup(selection)
        rows = self._rows(rollup, selection)
        memberships = int(rows["peers"].sum())
        places = rollup.places.narrowed(selection, rollup.kinds)
        points = places.filter(pl.col("latitude").is_not_null(), pl.col("peers") > 0)
        # BEP 33 counts addresses and places none: a swarm's seeds cannot be told by country.
        by_place = bool(selection.countries or selection.place)
        outcomes = self._outcomes.filter(
            pl.col("swarm").is_in(self._kept_swarms(selection)["swarm"].implode())
        )
        return RunTotals(
            peers=self._distinct(selection, memberships, seen=int(places["peers"].sum())),
            memberships=memberships,
            swarms=rows["swarm"].n_unique(),
            countries=rows.filter(pl.col("country") != UNKNOWN_COUNTRY)["country"].n_unique(),
            places=points.select("latitude", "longitude").n_unique(),
            located_share=located_share(rows),
            seeds=None if by_place else summed_estimate(outcomes, "seeds"),
            downloaders=None if by_place else summed_estimate(outcomes, "downloaders"),
            recall=self._reader.manifest.counts.recall,
        )

    def histogram(
        self,
        selection: Selection = Selection(),  # noqa: B008
        binning: Binning = Binning.CLASSIC,
    ) -> pl.DataFrame:
        """Peers per size bin and country: `order`, `label`, `country`, `peers`, in bin order."""
        rollup = self._rollup(selection)
        if not selection.categories and selection.size_bin is None:
            return rollup.histogram(binning).filter(of_country(selection))
        bars = rollup.bars.filter(of_country(selection)).collect()
        return binned(bars, rollup.kinds.filter(of_kind(selection)), binning)

    def countries(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """`country`, `peers`, `share`, `median_mb`, most peers first; see `countries_table`."""
        rows = self._rows(self._rollup(selection), selection)
        return countries_table(rows.lazy(), self.swarm_table.lazy())

    def places(
        self,
        selection: Selection = Selection(),  # noqa: B008
        *,
        cell_deg: float | None = None,
        bounds: Bounds | None = None,
    ) -> pl.DataFrame:
        """`key`, `lat`, `lon`, `label`, `country`, `peers`, `places`; most peers first.

        A row is a point as the database has it, or a cell of `analysis.cells`, then at the mean
        position of its peers, with the label and country of the place with most of them, and
        `places` says how many points it stands for. Whom the database knows by country alone
        is in `country_level`.

        Raises:
            ValueError: no grid has cells of `cell_deg` degrees.
        """
        rollup = self._rollup(selection)
        points = rollup.places.narrowed(selection, rollup.kinds)
        points = points.filter(pl.col("latitude").is_not_null(), pl.col("peers") > 0)
        if bounds is not None:
            points = points.filter(bounds.holds())
        # Numbers are grouped and sorted; text is made of those that are left.
        most = pl.col("peers").arg_max()
        return (
            points.with_columns(spot=spot_number(cell_deg))
            .group_by("spot", maintain_order=True)
            .agg(
                *(_mean(name).alias(short) for name, short in _SHORT.items()),
                pl.col("city").get(most).alias("label"),
                pl.col("country").get(most),
                pl.col("peers").sum(),
                pl.len().cast(pl.Int64).alias("places"),
            )
            .sort(["peers", "spot"], descending=[True, False])
            .select(spot_key(cell_deg).alias("key"), pl.exclude("spot"))
        )

    def place_name(self, place: str) -> str | None:
        """What a place of the map is called, by its key: `Paris, FR`; None where nobody is."""
        points = self._whole.places.keys
        here = points.filter(pl.col("latitude").is_not_null(), at_place(place))
        if here.is_empty():
            return None
        first = here.sort("peers", descending=True).row(0, named=True)
        return ", ".join(word for word in (first["city"], first["country"]) if word)

    def country_level(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """Peers known to a country only: `country`, `peers`; the unknown is ZZ."""
        rollup = self._rollup(selection)
        vague = rollup.places.narrowed(selection, rollup.kinds)
        vague = vague.filter(pl.col("latitude").is_null())
        return _by(vague, "country")

    def networks(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """`asn`, `as_name`, `hosting`, `peers`; null is the unknown network."""
        rollup = self._rollup(selection)
        return _by(rollup.networks.narrowed(selection, rollup.kinds), "asn", "as_name", "hosting")

    def hosting(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """`hosting` (likely hosting: true, false, null where unknown), `peers`."""
        rollup = self._rollup(selection)
        return _by(rollup.networks.narrowed(selection, rollup.kinds), "hosting")

    def sources(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """`source`, `peers` whom it named, `alone`: those whom no other source named."""
        rollup = self._rollup(selection)
        bits = rollup.sources.narrowed(selection, rollup.kinds)
        rows = [
            {
                "source": source.value,
                "peers": bits.filter(pl.col("sources") & source.bit != 0)["peers"].sum(),
                "alone": bits.filter(pl.col("sources") == source.bit)["peers"].sum(),
            }
            for source in Source
        ]
        schema = {"source": pl.String, "peers": pl.Int64, "alone": pl.Int64}
        return pl.DataFrame(rows, schema=schema).filter(pl.col("peers") > 0)

    def source_sets(self, selection: Selection = Selection()) -> pl.DataFrame:  # noqa: B008
        """`sources` (the bits of all who named a peer, see `Source.bit`), `peers`."""
        rollup = self._rollup(selection)
        return _by(rollup.sources.narrowed(selection, rollup.kinds), "sources")

    def swarms(
        self,
        selection: Selection = Selection(),  # noqa: B008
        *,
        search: str = "",
        states: frozenset[str] = frozenset(),
        sort: str = "peers",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[pl.DataFrame, int]:
        """A page of the list of swarms, and how long it is; see `swarm_order`, `swarm_rows`."""
        order = self._order(selection, search, states, sort, descending)
        page = order[offset : offset + limit]
        rows = self._rollup(selection).swarms.filter(pl.col("swarm").is_in(page.implode()))
        rows = rows.filter(of_country(selection))
        return swarm_rows(page, self.swarm_table, self._outcomes, rows), len(order)

    def _swarm_order(
        self, selection: Selection, search: str, states: frozenset[str], sort: str, descending: bool
    ) -> pl.Series:
        rows = self._rows(self._rollup(selection), selection)
        listed = self._kept_swarms(selection)
        if selection.countries or selection.place:
            listed = listed.join(rows, on="swarm", how="semi")
        return swarm_order(
            listed, self._outcomes, rows,
            search=search, states=states, sort=sort, descending=descending,
        )  # fmt: skip

    def top_torrents(self, place_or_country: str) -> list[str]:
        """Names of the torrents with most peers there: a place's key, or a country's code."""
        if len(place_or_country) == 2:
            selection = Selection(countries=frozenset({place_or_country}))
        else:
            selection = Selection(place=place_or_country)
        page, _ = self.swarms(selection, limit=_TOP_TORRENTS)
        return page["name"].to_list()

    # --- how it is read -----------------------------------------------------------------------

    def _rollup(self, selection: Selection) -> Rollup:
        """The roll-up that knows the selection's place and swarm."""
        key = (selection.place, selection.swarm)
        if key == (None, None):
            return self._whole
        if key not in self._narrow:
            self._narrow[key] = self._narrowed(selection)
        return self._narrow[key]

    def _narrowed(self, selection: Selection) -> Rollup:
        tallies = None
        if selection.place is None and self._reader.manifest.kind is RunKind.IMPORT:
            tallies = self._reader.tallies().filter(pl.col("swarm") == selection.swarm)
        with readable(self._reader.run_id):
            return roll_up(self._chosen_rows(selection), self.swarm_table, tallies)

    def _chosen_rows(self, selection: Selection) -> pl.LazyFrame:
        rows = self._reader.sightings()
        if selection.swarm is not None:
            rows = rows.filter(pl.col("swarm") == selection.swarm)
        if selection.place is not None:
            # By the same number as the keys are made of, so that no rounding comes between.
            rows = rows.with_columns(place=known_place()).with_columns(point_of_place())
            rows = rows.filter(at_place(selection.place))
        return rows

    def _rows(self, rollup: Rollup, selection: Selection) -> pl.DataFrame:
        """`swarm`, `country`, `peers` of whom the selection leaves."""
        rows = rollup.swarms.filter(of_country(selection))
        if selection.categories or selection.size_bin:
            rows = rows.join(self._kept_swarms(selection), on="swarm", how="semi")
        return rows

    def _kept_swarms(self, selection: Selection) -> pl.DataFrame:
        """SWARM_COLUMNS of the swarms that the selection can hold."""
        kinds = self._whole.kinds.filter(of_kind(selection))
        kept = self._kind_of_swarm.join(kinds, on="kind", how="semi")
        if selection.swarm is not None:
            kept = kept.filter(pl.col("swarm") == selection.swarm)
        return self.swarm_table.join(kept, on="swarm", how="semi")

    def _distinct(self, selection: Selection, memberships: int, seen: int) -> int | None:
        """Distinct endpoints; None where that would take too long while someone waits."""
        if selection.swarm is not None or seen < memberships:
            return memberships  # each once in a swarm; or a record lacks its peers
        if self._whole.swarms["peers"].sum() > MOST_ROWS:
            return None
        rollup = self._rollup(selection)
        if rollup.distinct is not None:
            return distinct_peers(rollup.distinct, rollup.kinds, selection)
        # Of a place, or of a run that still grows: its next state would need another table.
        rows = self._chosen_rows(selection).filter(of_country(selection))
        if selection.categories or selection.size_bin:
            kept = self._kept_swarms(selection)["swarm"].implode()
            rows = rows.filter(pl.col("swarm").is_in(kept))
        return int(rows.select(pl.col("peer").n_unique()).collect(engine="streaming").item())

    @cached_property
    def _outcomes(self) -> pl.DataFrame:
        """OUTCOME_COLUMNS; of a swarm that is told of twice, the last word."""
        return self._reader.outcomes().collect().unique("swarm", keep="last", maintain_order=True)


def open_view(reader: RunReader) -> RunView:
    """A view of a run as it stands now, for those who ask once; else see `Observatory.view`.

    Raises:
        StorageError: a part of it does not read; names it.
    """
    return RunView(reader, Rollups().of(reader))


def _mean(name: str) -> pl.Expr:
    """Of all peers, not of all points."""
    weight = pl.col("peers")
    mean: pl.Expr = (pl.col(name).cast(pl.Float64) * weight).sum() / weight.sum()
    return mean


def _by(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    summed = rows.group_by(names).agg(pl.col("peers").sum()).filter(pl.col("peers") > 0)
    return summed.sort(["peers", *names], descending=[True, *([False] * len(names))])
