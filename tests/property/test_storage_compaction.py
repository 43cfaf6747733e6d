"""storage.compaction: whatever is appended, compacted and swept in whatever order, rows stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.compaction import GRACE, compact_run, sweep_replaced
from storage.manifest import RunCounts, RunState
from storage.runs import RunReader, RunWriter
from tests import frames

APPEND = st.tuples(st.just("append"), st.integers(0, 7))
COMPACT = st.tuples(st.just("compact"), st.integers(1, 12))
SWEEP = st.tuples(st.just("sweep"), st.sampled_from([0, 1]))
KILLED = st.tuples(st.just("killed"), st.just(0))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(APPEND, APPEND, COMPACT, SWEEP, KILLED), max_size=10))
def test_every_row_stays_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    """Appending (as a resumed crawl does), compacting and sweeping never lose or double a row."""
    with TemporaryDirectory() as folder:
        names = [f"film {number}" for number in range(10)]
        writer = RunWriter(Path(folder), frames.manifest(), frames.swarms(*names))
        writer.finish(RunState.INTERRUPTED, frames.NOON, "killed", RunCounts())
        reader = RunReader(writer.folder)
        rows: list[tuple[int, int]] = []
        swarms: list[int] = []
        for step, number in steps:
            match step:
                case "append":
                    running = reader.manifest.model_copy(update={"state": RunState.RUNNING})
                    again = RunWriter.resume(reader, running)
                    fresh = [(len(swarms), len(rows) + i) for i in range(number)]
                    again.add(
                        frames.sightings(*((s, p, "FR") for s, p in fresh)),
                        frames.outcomes((len(swarms), number)),
                        RunCounts(),
                        answers=frames.answers((len(swarms), number)),
                    )
                    again.finish(RunState.INTERRUPTED, frames.NOON, "killed", RunCounts())
                    rows += fresh
                    swarms.append(len(swarms))
                case "compact":
                    compact_run(reader, target_rows=number)
                case "sweep":
                    sweep_replaced(reader.folder, datetime.now(UTC) + number * 2 * GRACE)
                case "killed":  # a compaction before its rename
                    left = reader.folder / ".aside-compacted-0"
                    left.mkdir(exist_ok=True)
                    (left / "sightings-000000.parquet").write_bytes(b"PAR1")
            assert reader.sightings().select("swarm", "peer").collect().rows() == rows
            assert reader.outcomes().collect()["swarm"].to_list() == swarms
            assert reader.answers().collect()["swarm"].to_list() == swarms


def test_clock_that_jumps_back_deletes_nothing(tmp_path: Path) -> None:
    """What was replaced stays while the grace cannot have passed, by whatever clock."""
    writer = RunWriter(tmp_path, frames.manifest(), frames.swarms("film", "book"))
    for swarm in (0, 1):
        writer.add(frames.sightings((swarm, 1, "FR")), frames.outcomes((swarm, 1)), RunCounts())
    writer.finish(RunState.COMPLETE, frames.NOON, "done", RunCounts())
    compact_run(RunReader(writer.folder))
    for now in (datetime.now(UTC) - timedelta(days=400), datetime.now(UTC)):
        assert sweep_replaced(writer.folder, now) == 0
    assert len(list(writer.folder.glob("sightings-*.parquet"))) == 2
    assert sweep_replaced(writer.folder, datetime.now(UTC) + 2 * GRACE) > 0
    assert list(writer.folder.glob("sightings-*.parquet")) == []
