"""Files to take along: what the page shows, by the address that shows it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import httpx
import polars as pl
import pytest

from tests.integration.page_world import RUN, PageWorld, page_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    with page_world(tmp_path_factory.mktemp("world")) as made:
        yield made


def take(world: PageWorld, name: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{world.url}/take/{name}", headers=headers, timeout=60)


def test_a_table_comes_in_every_form_it_has(world: PageWorld) -> None:
    """CSV, Parquet and GeoJSON say the same; each is a file with a name of ours."""
    csv = take(world, "countries.csv")
    assert csv.headers["content-disposition"] == (
        f"attachment; filename=swarm-atlas-{RUN}-countries.csv"
    )
    rows = pl.read_csv(csv.content)
    assert dict(rows.select("country", "peers").iter_rows())["FR"] == 20
    kept = pl.read_parquet(io.BytesIO(take(world, "countries.parquet").content))
    assert kept["country"].to_list() == rows["country"].to_list()
    features = json.loads(take(world, "countries.geojson").content)["features"]
    assert len(features) == len(rows)


def test_it_is_narrowed_as_the_page_is(world: PageWorld) -> None:
    """The same query string that narrows the page narrows the file."""
    rows = pl.read_csv(take(world, "cells.csv?country=FR").content)
    assert rows["country"].to_list() == ["FR"]
    assert len(pl.read_csv(take(world, "cells.csv").content)) == 2
    bins = pl.read_csv(take(world, "histogram-log2.csv?country=FR").content)
    assert set(bins["country"]) == {"FR"}
    drawn = take(world, "histogram.html?country=FR&binning=classic").text
    assert '"name":"France"' in drawn
    assert '"name":"Germany"' not in drawn


def test_few_people_are_hidden(world: PageWorld) -> None:
    """What `export` hides is hidden here: one peer of an unknown country is not told."""
    rows = pl.read_csv(take(world, "countries.csv").content)
    hidden = rows.filter(pl.col("country") == "ZZ")
    assert hidden["suppressed"].to_list() == [True]
    assert hidden["peers"].to_list() == [None]


@pytest.mark.parametrize(
    "name",
    ["countries.exe", "swarms.csv", "map.csv", "histogram.geojson", "..%2Fconfig.csv", "countries"],
)
def test_there_is_nothing_else_to_take(world: PageWorld, name: str) -> None:
    """What no menu names is not there, whatever the name says."""
    answer = take(world, name)
    assert answer.status_code == 404
    assert "content-disposition" not in answer.headers


def test_another_sites_page_cannot_keep_the_machine_busy(world: PageWorld) -> None:
    """An image on a foreign page that points here is refused before anything is made."""
    refused = take(world, "map.png", **{"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


def test_without_a_run_it_is_a_sentence(world: PageWorld) -> None:
    """A run that is not in the archive has no files."""
    answer = take(world, "countries.csv?run=20200101-000000-abcd")
    assert (answer.status_code, answer.text) == (404, "There is no run to take anything of yet.\n")
