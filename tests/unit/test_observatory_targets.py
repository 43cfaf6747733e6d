"""observatory.targets: each swarm once, whatever names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from observatory.jobs import CrawlTarget
from observatory.targets import distinct_targets, read_targets
from swarm.errors import SwarmError

V1, V2, OTHER = "11" * 20, "22" * 20, "33" * 20
SHIPPED = Path(__file__).parents[2] / "bulkTorrents"


def test_targets_that_share_a_key_are_one_swarm() -> None:
    """A hybrid torrent, its v1 infohash and its v2 key are one swarm; what says most stays."""
    hybrid = CrawlTarget(infohash=V1, dht_keys=(V1, V2), name="film", size_bytes=5)
    bare = CrawlTarget(infohash=V1, dht_keys=(V1,), name=V1)
    v2_only = CrawlTarget(infohash=V2, dht_keys=(V2,), name=V2)
    other = CrawlTarget(infohash=OTHER, dht_keys=(OTHER,), name=OTHER)
    for order in ([hybrid, bare, v2_only, other], [other, v2_only, bare, hybrid]):
        assert set(distinct_targets(order)) == {hybrid, other}


def test_inputs_of_every_kind(tmp_path: Path) -> None:
    """Files, folders, lists, magnets and infohashes are read; what does not read is named."""
    listing = tmp_path / "list.txt"
    listing.write_text(f"# comment\n\n{OTHER}\nnonsense\n")
    (tmp_path / "cut.torrent").write_bytes(b"d4:infod")
    inputs = [str(SHIPPED), str(listing), f"magnet:?xt=urn:btih:{V1}", V2, str(tmp_path)]
    targets, refused = read_targets(inputs)
    shipped = {path.stem for path in SHIPPED.glob("*.torrent")}
    assert {target.infohash for target in targets} == shipped | {V1, V2, OTHER}
    assert [reason.split(":")[0] for reason in refused] == ["list.txt, line 4", "cut.torrent"]


@pytest.mark.parametrize("text", ["nothing", "x" * 300, "a/" * 3000, "nul\0", ""])
def test_other_text_is_refused(text: str) -> None:
    """Text that names nothing is one clear error, however long or odd."""
    with pytest.raises(SwarmError, match="is no \\.torrent file"):
        read_targets([text])
