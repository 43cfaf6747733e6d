"""analysis.churn and analysis.life: what two and more runs say together, and what they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.churn import CHURN_SCHEMA, churn_table
from analysis.distributions import missed_95
from analysis.life import LIFE_SCHEMA, life_table
from tests.snapshots import snapshot

SURE = {"estimate": 4.0, "low": 4.0, "high": 4.0}


def test_new_stayed_and_gone() -> None:
    """By infohash, whatever the row's number; where everybody was found there is no doubt."""
    before = snapshot({"a": [1, 2, 3, 4], "b": [9]}, outcomes={"a": SURE})
    after = snapshot({"c": [7], "a": [3, 4, 5, 6]}, days=1, outcomes={"a": SURE})
    table = churn_table(before, after)
    assert table.schema == CHURN_SCHEMA
    assert table["name"].to_list() == ["a"]
    row = table.row(0, named=True)
    assert (row["before"], row["after"], row["stayed"]) == (4, 4, 2)
    assert (row["new_low"], row["new"], row["new_high"]) == (2, 2, 2)
    assert (row["gone_low"], row["gone"], row["gone_high"]) == (2, 2, 2)


def test_who_looks_gone_may_have_been_missed() -> None:
    """The second run found half: for each peer that stayed, about one only looks gone."""
    half = {"estimate": 100.0, "low": 90.0, "high": 112.0}
    before = snapshot({"a": list(range(100))}, outcomes={"a": SURE | {"high": 100.0, "low": 100.0}})
    after = snapshot({"a": list(range(50))}, outcomes={"a": half})
    row = churn_table(before, after).row(0, named=True)
    assert (row["gone"], row["gone_low"]) == (50, 0)
    assert 0 < row["gone_high"] < 50
    assert (row["new"], row["new_low"], row["new_high"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "outcome",
    [
        {"estimate": 4.0, "low": 4.0, "high": None},
        {"estimate": None},
        SURE | {"state": "timeout"},
    ],
)
def test_without_a_bound_nobody_is_surely_gone(outcome: dict[str, object]) -> None:
    """A lookup that was cut off, or whose size nothing bounds, proves nobody's leaving."""
    before = snapshot({"a": [1, 2, 3, 4]}, outcomes={"a": SURE})
    after = snapshot({"a": [1]}, outcomes={"a": outcome})
    row = churn_table(before, after).row(0, named=True)
    assert (row["gone"], row["gone_low"], row["gone_high"]) == (3, 0, 3)


def test_a_swarm_that_vanished_altogether() -> None:
    """A complete lookup that found nobody: all are gone as far as was seen, none for sure."""
    before = snapshot({"a": [1, 2]}, outcomes={"a": SURE})
    nobody = {"estimate": 0.0, "low": 0.0, "high": 0.0}
    row = churn_table(before, snapshot({"a": []}, outcomes={"a": nobody})).row(0, named=True)
    assert (row["after"], row["stayed"], row["gone"], row["gone_low"]) == (0, 0, 2, 0)


@pytest.mark.parametrize("still_there", [3, 30, 119, 500])
@pytest.mark.parametrize("chance", [0.7, 0.85, 0.95])
def test_bounds_hold_the_truth_as_often_as_they_say(still_there: int, chance: float) -> None:
    """Simulated: of peers that stayed, so many are seen again; 94 % of intervals hold the rest."""
    again = np.random.default_rng(1).binomial(still_there, chance, 1000)
    bounds = {seen: missed_95(seen, chance) for seen in set(again.tolist())}
    held = sum(bounds[s][0] <= still_there - s <= bounds[s][1] for s in again.tolist())
    assert held / len(again) >= 0.94


def test_a_client_with_a_new_port_stayed() -> None:
    """By host: two endpoints of one address are one."""
    before, after = snapshot({"a": [1, 2]}), snapshot({"a": [3, 4]})
    assert churn_table(before, after, by="peer")["stayed"].item() == 0
    same_host = after.sightings.with_columns(host=after.sightings.collect()["host"] - 2)
    moved = type(after)("r", after.taken_at, after.swarms, same_host, after.outcomes, after.tallies)
    row = churn_table(before, moved, by="host").row(0, named=True)
    assert (row["stayed"], row["new"], row["gone"]) == (2, 0, 0)


def test_life_of_swarms() -> None:
    """Points in time order with intervals; days from the first run that had the swarm."""
    first = snapshot({"a": [1, 2, 3, 4]}, run_id="1", outcomes={"a": SURE | {"seeds": 2.0}})
    second = snapshot({"b": [1], "a": [1]}, run_id="2", days=1.5)
    table = life_table([second, first])
    assert table.schema == LIFE_SCHEMA
    assert table.select("name", "run_id", "days", "peers").rows() == [
        ("a", "1", 0.0, 4),
        ("a", "2", 1.5, 1),
        ("b", "2", 0.0, 1),
    ]
    assert table.row(0, named=True)["high"] == 4.0
    assert life_table([]).schema == LIFE_SCHEMA


def test_an_unfinished_swarm_is_not_an_empty_one() -> None:
    """Null, and not 0, where the run ended before the swarm's turn."""
    cut = snapshot({"a": []})
    cut = type(cut)("1", cut.taken_at, cut.swarms, cut.sightings, cut.outcomes.head(0), cut.tallies)
    row = life_table([cut]).row(0, named=True)
    assert (row["state"], row["peers"], row["estimate"]) == (None, None, None)
