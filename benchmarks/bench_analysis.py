"""From sightings to tables: writing, counting raw parts, roll-ups, and the classic way, in one run.

`python -m benchmarks.bench_analysis`; `--smoke` proves in seconds that it still runs. Each reading
is done by a process of its own, whose memory is what is reported. The runs are made first, by seed;
the largest takes 4 GB below `--folder`, and is deleted unless the folder is named: then it is kept,
and taken as it is the next time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from analysis.raw_tables import raw_tables
from analysis.selection import Selection
from benchmarks.bench_locate import FULL, SMOKE, locate_rows, locate_verdicts, print_rows
from benchmarks.seeded_run import STARTED_AT, Scale, parts, swarm_table, write_run
from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from observatory.rollups import Rollups, keep_rollup
from observatory.run_view import RunView
from storage.manifest import Manifest, RunCounts, RunKind, RunState
from storage.rollups import drop_rollups
from storage.runs import RunReader, RunWriter, list_runs

_ROOT = Path(__file__).parents[1]
_SIZES = (1_000_000, 10_000_000, 100_000_000)
_SMOKE_SIZES = (2_000, 20_000)
_CLASSIC_ROWS = 1_000_000
_ROWS_PER_SWARM = 10_000
_RAW_S, _RAW_GB, _ROLLUP_MS = 3.0, 2.0, 50.0
_CLASSIC_RATIO, _WRITTEN_PER_S = 100, 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What one process took for one thing. `rows` are those of the tables that came out."""

    seconds: float
    cpu_s: float
    memory_gb: float
    rows: tuple[int, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables with what is wanted beside them."""
    asked = _asked(arguments)
    if asked.child:
        print(json.dumps(asdict(_CHILDREN[asked.child](RunReader(asked.folder)))))
        return
    print(f"{machine()}\n")
    sizes = _SMOKE_SIZES if asked.smoke else asked.sightings
    located = locate_rows(SMOKE if asked.smoke else FULL)
    print_rows(located)
    verdicts = locate_verdicts(located)
    with _workplace(asked.folder) as (folder, scratch):
        verdicts.append(written_verdict(scratch / "written", sizes[0]))
        raw = {}
        rows = []
        for size in sizes:
            run = made_run(folder, size)
            raw[size] = _in_child("raw", run)
            made, first, again = (_in_child(what, run) for what in ("make", "first", "again"))
            rows.append(_row(size, raw[size], made, first, again))
        print_table(_HEAD, rows)
        verdicts += analysis_verdicts(raw, first)
        rows_of_classic = min(_CLASSIC_ROWS, sizes[-1])
        verdicts += classic_verdicts(scratch / "classic", rows_of_classic, raw, first)
    print_verdicts(verdicts)


def made_run(folder: Path, size: int) -> Path:
    """The folder of a run of that many sightings; made unless it is there and whole."""
    runs = folder / f"runs-{size}"
    for reader in list_runs(runs):
        if reader.manifest.state is RunState.COMPLETE:
            return reader.folder
    return write_run(runs, Scale(size, max(20, size // _ROWS_PER_SWARM)))


def written_verdict(folder: Path, size: int) -> Verdict:
    """Sightings a second through the real writer: schema check, zstd, synced, renamed."""
    scale = Scale(size, max(20, size // _ROWS_PER_SWARM))
    manifest = Manifest(
        run_id="20261101-120000-dead",
        kind=RunKind.CRAWL,
        state=RunState.RUNNING,
        world="bench",
        started_at=STARTED_AT,
        code_version="bench",
        settings={},
        database=None,
        addresses_stored=False,
    )
    writer = RunWriter(folder, manifest, swarm_table(scale))
    seconds = 0.0
    for sightings, outcomes in parts(scale):
        started = time.perf_counter()
        writer.add(sightings, outcomes, RunCounts())
        seconds += time.perf_counter() - started
    rate = size / seconds
    return Verdict(
        "writing sightings, a second", f"{_WRITTEN_PER_S:,}", f"{rate:,.0f}", rate >= _WRITTEN_PER_S
    )


def analysis_verdicts(raw: dict[int, Reading], rollup: Reading) -> list[Verdict]:
    """What the largest run took, and how time grew from each size to the next."""
    largest = max(raw)
    last = raw[largest]
    ms = rollup.seconds * 1000
    found = [
        _at_most(f"{largest:,} raw: both tables, s", _RAW_S, last.seconds),
        _at_most(f"{largest:,} raw: memory, GB", _RAW_GB, last.memory_gb),
        _at_most(f"{largest:,} from the roll-up, first time: both tables, ms", _ROLLUP_MS, ms),
    ]
    sizes = sorted(raw)
    for small, large in itertools.pairwise(sizes):
        growth = raw[large].cpu_s / raw[small].cpu_s
        found.append(_at_most(f"CPU of {large:,} to {small:,}", large / small, growth))
    return found


def classic_verdicts(
    folder: Path, size: int, raw: dict[int, Reading], rollup: Reading
) -> list[Verdict]:
    """The same two tables from one JSON file per torrent by loops, beside ours, per row."""
    scale = Scale(size, max(20, size // _ROWS_PER_SWARM))
    write_classic(folder, scale)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        histogram, places = count_classic(folder)
        seconds.append(time.perf_counter() - started)
    assert sum(histogram.values()) == sum(places.values()) == size
    classic_ns = min(seconds) / size * 1e9
    largest = max(raw)
    ours = (("raw", raw[largest]), ("the roll-up", rollup))
    return [_slower(f"{what} ({largest:,})", classic_ns, by, largest) for what, by in ours]


def _slower(what: str, classic_ns: float, ours: Reading, rows: int) -> Verdict:
    ours_ns = ours.seconds / rows * 1e9
    return Verdict(
        f"the classic way to ours from {what}, per row",
        f"{_CLASSIC_RATIO} x",
        f"{classic_ns / ours_ns:,.0f} x ({classic_ns:,.0f} to {ours_ns:,.1f} ns)",
        classic_ns / ours_ns >= _CLASSIC_RATIO,
    )


def write_classic(folder: Path, scale: Scale) -> None:
    """One JSON file per torrent, as docs/classic-files.md has it."""
    folder.mkdir()
    sizes = dict(swarm_table(scale).select("swarm", pl.col("size_bytes") / 1e6).iter_rows())
    rows = pl.concat(sightings for sightings, _ in parts(scale))
    for (swarm,), peers in rows.group_by("swarm"):
        record = {
            "size": sizes[swarm],
            "ip": [[f"198.51.100.{at % 256}", 6881] for at in range(len(peers))],
            "locs": [f"{a:.4f},{b:.4f}" for a, b in peers.select("latitude", "longitude").rows()],
            "countries": dict(peers["country"].value_counts().iter_rows()),
        }
        (folder / f"{swarm}.json").write_text(json.dumps(record))


def count_classic(
    folder: Path,
) -> tuple[Counter[tuple[str, str]], Counter[tuple[float, float]]]:
    """Peers by bin and country, and by place: every file parsed, every peer looped over."""
    histogram: Counter[tuple[str, str]] = Counter()
    places: Counter[tuple[float, float]] = Counter()
    for path in folder.glob("*.json"):
        record = json.loads(path.read_text())
        low = None if record["size"] is None else int(record["size"]) // 100 * 100
        label = "unknown size" if low is None else f"{low} - {low + 99}"
        for country, peers in record["countries"].items():
            histogram[label, country] += peers
        for loc in record["locs"]:
            latitude, longitude = map(float, loc.split(","))
            places[latitude, longitude] += 1
    return histogram, places


def _raw(reader: RunReader) -> Reading:
    """Histogram and map table, with no roll-up at hand."""
    with _Stopwatch() as watch:
        histogram, places = raw_tables(reader.sightings(), reader.swarms().collect())
    return watch.reading(len(histogram), len(places))


def _make(reader: RunReader) -> Reading:
    """The roll-up, made anew and kept on disk."""
    drop_rollups(reader.folder)
    with _Stopwatch() as watch:
        keep_rollup(reader)
    return watch.reading()


def _first(reader: RunReader) -> Reading:
    """Histogram and map table from the roll-up on disk, by a process that has not asked before."""
    with _Stopwatch() as watch:
        histogram, places = _asked_of(RunView(reader, Rollups().of(reader)))
    return watch.reading(len(histogram), len(places))


def _again(reader: RunReader) -> Reading:
    """The same of a run that is shown already: the middle one of nine."""
    view = RunView(reader, Rollups().of(reader))
    readings = []
    for _ in range(9):
        with _Stopwatch() as watch:
            histogram, places = _asked_of(view)
        readings.append(watch.reading(len(histogram), len(places)))
    return sorted(readings, key=lambda reading: reading.seconds)[4]


def _asked_of(view: RunView) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As the page asks when it opens."""
    return view.histogram(Selection()), view.places(Selection(), cell_deg=1.0)


_CHILDREN = {"raw": _raw, "make": _make, "first": _first, "again": _again}
_HEAD = (
    "sightings",
    "raw s",
    "raw CPU s",
    "raw GB",
    "roll-up made s",
    "made GB",
    "first ms",
    "again ms",
    "rows of the two tables",
)


def _row(size: int, raw: Reading, made: Reading, first: Reading, again: Reading) -> tuple[str, ...]:
    return (
        f"{size:,}",
        f"{raw.seconds:.2f}",
        f"{raw.cpu_s:.2f}",
        f"{raw.memory_gb:.2f}",
        f"{made.seconds:.1f}",
        f"{made.memory_gb:.2f}",
        f"{first.seconds * 1000:.0f}",
        f"{again.seconds * 1000:.0f}",
        " + ".join(f"{count:,}" for count in raw.rows),
    )


def _in_child(what: str, run: Path) -> Reading:
    """Let a process of its own do it: the highest memory of a process never falls."""
    command = [sys.executable, "-m", "benchmarks.bench_analysis", "--child", what]
    done = subprocess.run(
        [*command, "--folder", str(run)], cwd=_ROOT, check=True, capture_output=True, text=True
    )
    said = json.loads(done.stdout)
    return Reading(**said | {"rows": tuple(said["rows"])})


class _Stopwatch:
    """Time and CPU of what is done inside."""

    def __enter__(self) -> _Stopwatch:
        self._cpu, self._started = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.perf_counter() - self._started
        self._cpu = time.process_time() - self._cpu

    def reading(self, *rows: int) -> Reading:
        return Reading(self._seconds, self._cpu, _most_memory_gb(), rows)


def _most_memory_gb() -> float:
    """Of this process since it began; getrusage would say its parent's where that had more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e9


def _at_most(figure: str, wanted: float, reached: float) -> Verdict:
    return Verdict(figure, f"at most {wanted:g}", f"{reached:.2f}", reached <= wanted)


@contextmanager
def _workplace(named: Path | None) -> Iterator[tuple[Path, Path]]:
    """Where runs lie, kept where the folder was named, and a scratch folder, which is deleted."""
    with tempfile.TemporaryDirectory(prefix="bench-analysis-") as scratch:
        yield named or Path(scratch), Path(scratch)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small numbers, seconds")
    parser.add_argument(
        "--sightings",
        type=lambda text: tuple(int(float(size)) for size in text.split(",")),
        default=_SIZES,
        help="sizes, ascending, comma-separated: 1e6,1e7,1e8",
    )
    parser.add_argument("--folder", type=Path, help="where the runs are made, and kept")
    parser.add_argument("--child", choices=tuple(_CHILDREN), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
