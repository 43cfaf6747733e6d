"""The command line as a stranger types it: exit codes, machine output, round trips."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.integration.conftest import Lab

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
Atlas = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    return folder


@pytest.fixture
def atlas(workspace: Path) -> Atlas:
    """Runs `python main.py COMMAND ...` upon a workspace of its own."""

    def run(command: str, *arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "main.py", command, *map(str, arguments), f"--workspace={workspace}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            **more,  # type: ignore[call-overload]
        )

    return run


def last_object(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    document = json.loads(result.stdout.splitlines()[-1])
    assert isinstance(document, dict)
    return document


WRONG = {
    "unknown option": ("scrape", "--nonsense"),
    "bad number": ("scrape", "-n", "0"),
    "not a target": ("crawl", "zzz"),
    "bad suffix": ("crawl", "00" * 20, "--out", "peers.txt"),
    "missing option": ("export",),
    "bad port": ("crawl", "00" * 20, "--bootstrap", "127.0.0.1:99999"),
    "no port": ("crawl", "00" * 20, "--bootstrap", "127.0.0.1"),
    "no cap on the internet": (
        "crawl", "00" * 20, "--bootstrap", "192.31.7.7:6881", "--max-packets-per-s", "0",
    ),
    "nothing to crawl": ("crawl", "README.md"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_2(atlas: Atlas, case: str) -> None:
    """What was typed wrongly leaves with 2 and an error, no traceback."""
    result = atlas(*WRONG[case])
    assert result.returncode == 2
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


def test_bad_settings_name_the_line(atlas: Atlas, workspace: Path) -> None:
    """A bad config.txt is wrong usage, told with file, line and key; no job is begun."""
    (workspace / "config.txt").write_text("wait=3\ncolour=red\n")
    result = atlas("scrape")
    assert result.returncode == 2
    assert f"{workspace / 'config.txt'}, line 2: unknown key 'colour'" in result.stderr


def test_crawl_writes_what_it_found(
    atlas: Atlas, workspace: Path, lab: Lab, tmp_path: Path
) -> None:
    """Infohashes, a canary's, a magnet: a .jsonl line each, a .parquet row per peer, a summary."""
    (workspace / "config.txt").write_text(lab.config)
    asked = [torrent for torrent in lab.facts.torrents if len(torrent.dht_keys) == 1][:3]
    listing = tmp_path / "list.txt"
    listing.write_text(f"# two\n{asked[0].infohash}\n{asked[1].infohash.hex.upper()}\nnonsense\n")
    out = tmp_path / "found.jsonl"
    canaries = tmp_path / "known.txt"
    canaries.write_text(
        f"{asked[2].infohash} {asked[2].peers[0]}\n{asked[0].infohash} 127.3.9.9:9\n"
    )
    # The third is in no list: it is asked for because a canary is in it.
    result = atlas(
        "crawl", listing, "--canaries", canaries, "--out", out, "--json", "--raw-addresses"
    )
    assert result.returncode == 0, result.stderr
    assert "line 4" in result.stderr
    lines = {line["infohash"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert lines.keys() == {torrent.infohash.hex for torrent in asked}
    for torrent in asked:
        announced = {(str(peer.address), peer.port) for peer in torrent.peers}
        line = lines[torrent.infohash.hex]
        assert {tuple(peer) for peer in line["peers"]} == announced
        assert (line["unique"], line["state"]) == (len(announced), "complete")
        assert line["unique"] <= line["low"] <= line["estimate"] <= line["high"]
        assert line["queries"] > 0
    summary = last_object(result)
    assert summary["infohashes"] == 3
    assert summary["peers"] == sum(len(torrent.peers) for torrent in asked)
    assert summary["liars"] == 0
    recall = [summary[figure] for figure in ("canaries_known", "canaries_found", "recall")]
    assert recall == [2, 1, 0.5]
    for figure in ("packets_sent", "packets_received", "seconds", "cpu_seconds", "max_rss_mb"):
        assert summary[figure] > 0, figure  # type: ignore[operator]

    parquet = tmp_path / "found.parquet"
    magnet = f"magnet:?xt=urn:btih:{asked[0].infohash}&dn=film"
    alone = atlas("crawl", magnet, "--out", parquet, "--json")
    assert alone.returncode == 0
    assert last_object(alone)["recall"] is None
    rows = pl.read_parquet(parquet)
    assert len(rows) == len(asked[0].peers)
    assert rows["address"].null_count() == len(rows)


def test_scrape_says_what_it_did(atlas: Atlas, workspace: Path, lab: Lab) -> None:
    """In a pipe: plain lines, then one sentence; with --json one object; both leave with 0."""
    (workspace / "config.txt").write_text(lab.config)
    plain = atlas("scrape", "-n", "1")
    assert plain.returncode == 0, plain.stderr
    assert "8 new torrents collected" in plain.stdout
    assert "\x1b" not in plain.stdout
    document = last_object(atlas("scrape", "-n", "2", "--json"))
    assert (document["state"], document["collected"], document["duplicates"]) == ("done", 8, 8)


def test_purge_asks_first(atlas: Atlas, workspace: Path) -> None:
    """Without an answer nothing is deleted; --yes deletes the runs."""
    assert atlas("import", SAMPLES / "classic-plain").returncode == 0
    asked = atlas("purge")
    assert asked.returncode == 2
    assert "add --yes" in asked.stderr
    runs = list((workspace / "runs").glob("2*"))
    assert len(runs) == 1
    assert atlas("purge", "--yes").returncode == 0
    assert not runs[0].exists()


@pytest.mark.parametrize("sample", ["classic-plain", "classic-odd", "classic-unicode"])
def test_import_and_export_are_a_fixed_point(
    atlas: Atlas, workspace: Path, tmp_path: Path, sample: str
) -> None:
    """A classic folder goes in and out; the second way out equals the first, file by file."""
    (workspace / "config.txt").write_text("store_addresses=yes\n")
    assert atlas("import", SAMPLES / sample).returncode == 0
    assert atlas("export", "--classic", tmp_path / "first").returncode == 0
    assert atlas("import", tmp_path / "first").returncode == 0
    assert atlas("export", "--classic", tmp_path / "second").returncode == 0
    first = {p.relative_to(tmp_path / "first"): p for p in (tmp_path / "first").rglob("*.json")}
    second = {p.relative_to(tmp_path / "second"): p for p in (tmp_path / "second").rglob("*.json")}
    assert first.keys() == second.keys()
    assert len(first) > 3
    for name, path in first.items():
        assert json.loads(path.read_text()) == json.loads(second[name].read_text()), name


def test_options_before_a_command_are_refused(workspace: Path) -> None:
    """--workspace in front of a command is an error: ignored, the wrong data would be purged."""
    result = subprocess.run(
        [sys.executable, "main.py", f"--workspace={workspace}", "purge", "--yes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    unwrapped = " ".join(result.stderr.replace("│", " ").split())  # the error stands in a box
    assert "write them after 'purge'" in unwrapped


def test_long_magnet_links_are_read(atlas: Atlas, workspace: Path, lab: Lab) -> None:
    """A magnet with many trackers is longer than any path, and is no path."""
    (workspace / "config.txt").write_text(f"{lab.config}\nask_trackers=no\n")
    trackers = "".join(f"&tr=udp%3A%2F%2Ftracker{n}.example%3A6969%2Fannounce" for n in range(40))
    result = atlas("crawl", f"magnet:?xt=urn:btih:{'ab' * 20}&dn=film{trackers}", "--json")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert last_object(result)["infohashes"] == 1
    assert atlas("crawl", "x" * 300).returncode == 2


def test_export_never_replaces_the_workspace(atlas: Atlas, workspace: Path) -> None:
    """Exporting into the workspace itself is refused; its index.json stays."""
    assert atlas("import", SAMPLES / "classic-plain").returncode == 0
    index = workspace / "bulkTorrents" / "index.json"
    index.write_text("{}")
    result = atlas("export", "--classic", workspace)
    assert result.returncode == 1
    assert "is the workspace itself" in result.stderr
    assert index.read_text() == "{}"


def test_an_export_onto_a_file_names_it(atlas: Atlas, tmp_path: Path) -> None:
    """Where the folder to write into is a file, the error names just that, and the file stands."""
    assert atlas("import", SAMPLES / "classic-plain").returncode == 0
    taken = tmp_path / "taken"
    taken.write_text("mine")
    result = atlas("export", "--classic", taken)
    assert result.returncode == 1
    assert f"cannot make the folder {taken}:" in result.stderr
    assert taken.read_text() == "mine"


def test_a_broken_torrent_is_named(atlas: Atlas, workspace: Path) -> None:
    """Files of bulkTorrents/ that do not read are passed over, each with its reason."""
    (workspace / "config.txt").write_text("dht_bootstrap=127.0.0.1:9\nallow_local_peers=yes\n")
    folder = workspace / "bulkTorrents"
    folder.mkdir()
    (folder / "cut.torrent").write_bytes(b"d4:infod")
    (folder / os.fsdecode(b"caf\xe9.torrent")).write_bytes(b"d4:infod")
    result = atlas("crawl")
    assert "passed over cut.torrent: " in result.stderr
    assert "its file name is not UTF-8" in result.stderr


def test_taken_port_is_said(atlas: Atlas) -> None:
    """A port that is taken is an error that names it and offers another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = atlas("dashboard", "--no-browser", "--port", port)
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in result.stderr


def test_help_and_version(atlas: Atlas) -> None:
    """The bare help lists every command with a line about it."""
    shown = subprocess.run(
        [sys.executable, "main.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in ("dashboard", "scrape", "crawl", "purge", "lab", "export", "import"):
        assert command in shown


@pytest.mark.browser
def test_lab_check_passes() -> None:
    """`lab --check` of a fresh seed: all torrents once, all peers, none invented."""
    assert shutil.which("chromium")
    result = subprocess.run(
        [sys.executable, "main.py", "lab", "--check", "--seed", "11", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    document = last_object(result)
    assert document["ok"] is True
    assert document["torrents_collected"] == document["torrents_expected"] == 32
    assert document["peers_invented"] == 0
    assert document["recall"] >= 0.99  # type: ignore[operator]
    assert document["countries_exact"] is True
