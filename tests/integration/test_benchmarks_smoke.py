"""The benchmarks still run, from end to end, at small sizes: so that none rots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 150


def run(benchmark: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", "--smoke"],
        cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(output: str) -> dict[str, list[str]]:
    """The rows of all printed tables by their first cell."""
    cells = [line.strip("| ").split("|") for line in output.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in cells}


def test_the_crawl_benchmark_measures_us_and_a_rival() -> None:
    """It prints a row per client and a verdict per figure, and names the machine."""
    output = run("bench_crawl")
    printed = rows(output)
    assert "cores" in output.splitlines()[0]
    assert {"Swarm Atlas, 1 process", "Swarm Atlas, 2 processes"} <= printed.keys()
    assert any(name.startswith("libtorrent") for name in printed)
    assert {"packets per infohash", "CPU per infohash", "recall, all peers"} <= printed.keys()
    assert "btdht is left out: not asked for" in output


def test_the_hostile_benchmark_holds_what_does_not_depend_on_size() -> None:
    """No invented peer, no announce, no broken cap, no escaped exception, at any size."""
    printed = rows(run("bench_hostile"))
    sure = [
        figure
        for figure in printed
        if figure.startswith(("invented", "announces", "burst", "packets in", "exceptions", "BEP"))
        and "sybils" not in figure
    ]
    assert len(sure) == 10
    assert {figure: printed[figure][-1] for figure in sure} == dict.fromkeys(sure, "yes")


def test_the_replay_benchmark_finds_what_was_planted() -> None:
    """The engine alone, on recorded answers: it asks as recorded, and finds nearly everybody."""
    printed = rows(run("bench_replay"))
    packets, _replies, recall, invented, *_ = printed["source"]
    assert float(packets) < 20
    assert float(recall.rstrip("%")) > 99
    assert invented == "0"
    assert {"sendto", "recvfrom"} <= printed.keys()


def test_the_look_up_benchmark_measures_us_and_geoip2() -> None:
    """A row for each way, on the same file and addresses, and both figures."""
    printed = rows(run("bench_locate"))
    ours = {"bundled, places", "bundled, places and networks", "City file, first time", "City file"}
    assert {*ours, "geoip2 .city()"} <= printed.keys()
    assert {printed[name][0] for name in ours} == {"12,000"}
    assert "one City file, beside geoip2's .city()" in printed


def test_the_analysis_benchmark_counts_ours_and_the_classic_way() -> None:
    """It counts each run raw and from its roll-up, and the classic way comes to the same sums."""
    printed = rows(run("bench_analysis"))
    assert printed["2,000"][-1] == "563 + 645"  # of the two tables: the runs are seeded
    assert len(printed["20,000"]) == 8  # raw, the making of the roll-up, asked first and again
    assert "writing sightings, a second" in printed
    for ours in ("raw (20,000)", "the roll-up (20,000)"):
        assert f"the classic way to ours from {ours}, per row" in printed


@pytest.mark.browser
def test_the_scrape_benchmark_gets_all_and_stays_polite() -> None:
    """Both ways run on one site; nothing obtainable is missing, no second sees two requests."""
    printed = rows(run("bench_scrape"))
    assert {"classic: get + sleep 1 to 3 s", "Swarm Atlas, limits off"} <= printed.keys()
    assert printed["obtainable torrents missing, doubled"][-1] == "yes"
    assert printed["requests in the busiest second, limits on"][-1] == "yes"


@pytest.mark.browser
def test_the_page_benchmark_measures_us_and_the_classic_way() -> None:
    """A real browser opens, clicks and watches a run grow; tabs ask, and are answered."""
    printed = rows(run("bench_page"))
    assert {"8,000 peers in 200 swarms", "classic, 20 peers", "2 tabs open"} <= printed.keys()
    name = "8,000 peers in 200 swarms"
    assert printed[f"{name}: figures and all else computed for it, kB compressed"][-1] == "yes"
    assert printed["a live tick, kB compressed"][-1] == "yes"
    assert int(printed["2 tabs open"][3]) > 4  # callbacks


def test_the_resume_benchmark_finds_nothing_lost_or_doubled() -> None:
    """After each of two kills -9 the crawl goes on, and keeps what an undisturbed one keeps."""
    printed = rows(run("bench_resume"))
    assert {"killed 1", "killed 2", "to its end"} <= printed.keys()
    verdicts = [row[-1] for row in printed.values() if len(row) == 3 and row[-1].isalpha()]
    assert verdicts == ["holds"] + 9 * ["yes"]


@pytest.mark.parametrize(
    "benchmark", ["bench_crawl", "bench_hostile", "bench_page", "bench_resume", "bench_scrape"]
)
def test_each_benchmark_says_what_it_is_for(benchmark: str) -> None:
    """--help explains the options."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "--smoke" in done.stdout


def test_the_benchmark_of_the_list_of_swarms_asks_both_ways() -> None:
    """A line for a kept list and one for a new order, with their figures and a verdict."""
    output = run("bench_swarm_list")
    assert "turns a kept list" in output
    assert "new search and order" in output
    assert "p95 <= 100 ms: " in output
