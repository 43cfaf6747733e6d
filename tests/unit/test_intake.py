"""observatory.intake: whatever is offered is kept, known, or refused with its reason; once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bencode2
import pytest
from typer.testing import CliRunner

from commands.app import app
from observatory.desk import Observatory
from observatory.intake import IntakeOutcome
from storage.workspace import Workspace

V1, V2 = "a" * 40, "b" * 64


def torrent(name: str = "film", **more: object) -> bytes:
    piece = hashlib.sha1(name.encode()).digest()
    info = {b"name": name.encode(), b"length": 9, b"piece length": 16_384, b"pieces": piece}
    return bencode2.bencode({b"info": info | {k.encode(): v for k, v in more.items()}})


def infohash(raw: bytes) -> str:
    return hashlib.sha1(bencode2.bencode(bencode2.bdecode(raw)[b"info"])).hexdigest()


@pytest.fixture
def desk(tmp_path: Path) -> Observatory:
    root = tmp_path / "workspace"
    root.mkdir()
    return Observatory(Workspace(root), name="Test", description="a test")


def states(outcomes: list[IntakeOutcome]) -> list[str]:
    return [outcome.state.value for outcome in outcomes]


def kept_files(desk: Observatory) -> set[str]:
    return {path.name for path in desk.workspace.torrents_dir.glob("*.torrent")}


def test_inputs_of_every_kind(desk: Observatory, tmp_path: Path) -> None:
    """File, folder, list, magnet and infohash, in this order; the torrents are on disk."""
    folder = tmp_path / "folder"
    folder.mkdir()
    film, song = torrent("film"), torrent("song")
    (folder / "1.torrent").write_bytes(film)
    (folder / "2.torrent").write_bytes(song[:-3])
    (tmp_path / "no-suffix").write_bytes(song)
    (tmp_path / "list.txt").write_text(f"\ufeff# mine\n\n{V2}\nnonsense\n{infohash(film)}\n")
    magnet = f"magnet:?xt=urn:btih:{V1}&dn=Sintel&tr=http%3A%2F%2Ft%2Fpasskey"
    names = ("folder", "no-suffix", "list.txt")
    outcomes = desk.add_inputs([*(str(tmp_path / name) for name in names), magnet, V1, "nothing"])
    assert states(outcomes) == (
        ["kept", "refused", "kept", "refused", "kept", "known", "kept", "known", "refused"]
    )
    assert outcomes[1].reason is not None
    assert outcomes[1].given == "2.torrent"
    assert outcomes[3].given == "list.txt, line 4"
    assert (outcomes[6].given, outcomes[6].infohash) == ("Sintel", V1)
    assert "passkey" not in str(outcomes)
    assert kept_files(desk) == {f"{infohash(film)}.torrent", f"{infohash(song)}.torrent"}
    assert (desk.torrents(), desk.magnets()) == (2, 2)


def test_adding_again_changes_nothing(desk: Observatory) -> None:
    """What is there is known, under whatever name it comes."""
    assert states(desk.add_files([("a.torrent", torrent())])) == ["kept"]
    assert states(desk.add_files([("b.torrent", torrent())])) == ["known"]
    assert states(desk.add_links(infohash(torrent()))) == ["known"]
    assert (desk.torrents(), desk.magnets()) == (1, 0)


def test_a_torrent_replaces_its_magnet(desk: Observatory) -> None:
    """A magnet leaves the list when its .torrent is added."""
    assert states(desk.add_links(infohash(torrent()))) == ["kept"]
    assert desk.magnets() == 1
    assert states(desk.add_files([("a.torrent", torrent())])) == ["kept"]
    assert (desk.torrents(), desk.magnets()) == (1, 0)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.torrent", torrent()[:-5], "cut off"),
        ("html.torrent", b"<html>not here</html>", "not bencoded"),
        ("empty.torrent", b"", "not bencoded"),
        ("big.torrent", b"d" + b"x" * 101_000_000, "101,000,00"),
        ("tail.torrent", torrent() + b"x", "after the end"),
        ("picture.png", b"\x89PNG\r\n\0\0", "neither a .torrent nor a text"),
        ("empty.txt", b"", "names no magnet or infohash"),
        ("../../up.torrent", b"x", "not bencoded"),
        ("<img src=x onerror=alert(1)>", b"hello", "neither a magnet link nor an infohash"),
        ("long.txt", b"magnet:?xt=urn:btih:" + b"a" * 40 + b"&tr=" + b"x" * 9_000, "longer than"),
    ],
)
def test_what_is_broken_is_refused(
    desk: Observatory, name: str, content: bytes, reason: str
) -> None:
    """With a reason on one line; nothing is written anywhere."""
    before = sorted(path for path in desk.workspace.root.parent.rglob("*") if path.is_file())
    (outcome,) = desk.add_files([(name, content)])
    assert outcome.state.value == "refused"
    assert reason in (outcome.reason or "")
    after = sorted(path for path in desk.workspace.root.parent.rglob("*") if path.is_file())
    assert after == before


def test_a_name_that_leads_out_is_only_shown(desk: Observatory) -> None:
    """A good torrent under a hostile file name is kept under its infohash."""
    (outcome,) = desk.add_files([("../../etc/x\n\u202e.torrent", torrent())])
    assert outcome.given == "../../etc/x .torrent"
    assert kept_files(desk) == {f"{infohash(torrent())}.torrent"}


def test_the_command_adds_and_says_so(tmp_path: Path) -> None:
    """`add` leaves with 0 where anything was of use, with 1 where all was refused."""
    (tmp_path / "a.torrent").write_bytes(torrent())
    options = ["--workspace", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, ["add", str(tmp_path / "a.torrent"), V1, "nonsense", *options])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert {k: document[k] for k in ("kept", "known", "refused")} == {
        "kept": 2,
        "known": 0,
        "refused": 1,
    }
    assert document["outcomes"][0] == {
        "given": "a.torrent",
        "state": "kept",
        "infohash": infohash(torrent()),
        "name": "film",
        "reason": None,
    }
    assert CliRunner().invoke(app, ["add", "nonsense", *options]).exit_code == 1
    plain = CliRunner().invoke(app, ["add", V1, "--workspace", str(tmp_path)])
    assert "known" in plain.stdout
