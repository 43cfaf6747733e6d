"""`geoip`: databases from a server on loopback that speaks as MaxMind and DB-IP do, or badly."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import tarfile
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.locator import open_locator
from commands.app import app
from observatory import geoip_download
from observatory.geoip import Provider, database_status, default_provider, update_databases
from storage.workspace import Workspace
from swarm.errors import GeolocationError, SettingsError
from swarm.settings import Settings, read_settings
from tests.geo_databases import city_record, packed, write_mmdb

TODAY = date(2026, 11, 21)
ACCOUNT, KEY = "123456", "licence-key-that-nobody-may-read"
Answer = tuple[int, bytes, dict[str, str]]


class Server:
    """Answers what `pages` has by path and query; `asked` keeps path and credentials."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = self.headers.get("Authorization", "").removeprefix("Basic ")
                server.asked.append((self.path, b64decode(given).decode()))
                status, body, headers = server.pages.get(self.path, (404, b"no such file", {}))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def offer_maxmind(self, edition: str, mmdb: bytes, *, sha256: str | None = None) -> None:
        archive = tar_of({f"{edition}_20261117/LICENSE.txt": b"...", edition_path(edition): mmdb})
        said = sha256 or hashlib.sha256(archive).hexdigest()
        path = f"/geoip/databases/{edition}/download?suffix=tar.gz"
        self.pages[path] = (200, archive, {})
        line = f"{said}  {edition}_20261117.tar.gz\n".encode()
        self.pages[f"{path}.sha256"] = (200, line, {})

    def offer_dbip(self, edition: str, month: str, content: bytes) -> None:
        self.pages[f"/free/{edition}-{month}.mmdb.gz"] = (200, content, {})


def edition_path(edition: str) -> str:
    return f"{edition}_20261117/{edition}.mmdb"


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def city(tmp_path: Path) -> Callable[[str], bytes]:
    """A City database that places 1.0.0.0/8 in a country."""

    def write(country: str) -> bytes:
        networks = {"1.0.0.0/8": city_record(country, "Hof", 64, -15), "9.0.0.0/8": {}}
        path = write_mmdb(tmp_path / "made.mmdb", networks, database_type="GeoLite2-City")
        return path.read_bytes()

    return write


@pytest.fixture
def asn(tmp_path: Path) -> bytes:
    record = {"autonomous_system_number": 64496, "autonomous_system_organization": "Example"}
    path = write_mmdb(tmp_path / "a.mmdb", {"1.0.0.0/8": record}, database_type="GeoLite2-ASN")
    return path.read_bytes()


def settings_for(server: Server, **more: str) -> Settings:
    keys = {"maxmind_account_id": ACCOUNT, "maxmind_licence_key": KEY, **more}
    lines = [f"maxmind_url={server.url}", f"dbip_url={server.url}"]
    lines += [f"{name}={value}" for name, value in keys.items()]
    return read_settings("\n".join(lines), file="config.txt", environment={})


def country_of(folder: Path, address: str = "1.2.3.4") -> str:
    located = open_locator(None, folder=folder).locate(packed(address))
    return str(located["country"].item())


def test_maxmind_gives_both_databases(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path
) -> None:
    """Asked with account and key, checked by SHA-256, unpacked, and in use from then on."""
    server.offer_maxmind("GeoLite2-City", city("IS"))
    server.offer_maxmind("GeoLite2-ASN", asn)
    folder = tmp_path / "geoip"
    updates = update_databases(settings_for(server), folder, Provider.MAXMIND, TODAY)
    assert [update.is_new for update in updates] == [True, True]
    assert sorted(path.name for path in folder.iterdir()) == [
        "GeoLite2-ASN.mmdb",
        "GeoLite2-City.mmdb",
    ]
    assert {given for _, given in server.asked} == {f"{ACCOUNT}:{KEY}"}
    frame = open_locator(None, folder=folder).locate(packed("1.2.3.4"))
    assert frame.select("country", "asn").row(0) == ("IS", 64496)


def test_a_redirect_elsewhere_does_not_carry_the_key(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path
) -> None:
    """MaxMind redirects to a store of its own: the file comes from there, the key stays here."""
    server.offer_maxmind("GeoLite2-City", city("IS"))
    server.offer_maxmind("GeoLite2-ASN", asn)
    store = Server()
    for path, (_, body, _) in list(server.pages.items()):
        if path.endswith("tar.gz"):
            store.pages[path] = (200, body, {})
            server.pages[path] = (302, b"", {"Location": store.url + path})
    try:
        update_databases(settings_for(server), tmp_path, Provider.MAXMIND, TODAY)
    finally:
        store.stop()
    assert [given for _, given in store.asked] == ["", ""]
    assert country_of(tmp_path) == "IS"


def test_dbip_gives_the_month_before_where_this_one_is_missing(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path
) -> None:
    """In a month's first days there is no file yet; no account is needed or sent."""
    server.offer_dbip("dbip-city-lite", "2026-10", gzip.compress(city("FR")))
    server.offer_dbip("dbip-asn-lite", "2026-11", gzip.compress(asn))
    update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)
    assert country_of(tmp_path) == "FR"
    assert [path.rpartition("-lite-")[2] for path, _ in server.asked] == [
        "2026-11.mmdb.gz",
        "2026-10.mmdb.gz",
        "2026-11.mmdb.gz",
    ]
    assert {given for _, given in server.asked} == {""}


def test_dbip_without_either_month_says_so(server: Server, tmp_path: Path) -> None:
    """Both months were asked for; across a new year too."""
    with pytest.raises(GeolocationError, match="nor that of January"):
        update_databases(settings_for(server), tmp_path, Provider.DBIP, date(2026, 1, 31))
    assert "2025-12" in server.asked[1][0]


BAD_FILES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda good: good[: len(good) // 2],
    "damaged": lambda good: good[:-50] + bytes(byte ^ 255 for byte in good[-50:]),
    "a web page": lambda _: b"<!DOCTYPE html><html>Please log in</html>" * 50,
    "empty": lambda _: b"",
    "a web page, packed": lambda _: gzip.compress(b"<html>Please log in</html>" * 50),
    "another database": lambda _: b"",
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_does_not_read_leaves_the_old_one(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path, kind: str
) -> None:
    """Whatever comes, the database in use stays as it was, and nothing is left beside it."""
    folder = tmp_path / "geoip"
    folder.mkdir()
    (folder / "dbip-city-lite.mmdb").write_bytes(city("FR"))
    good = gzip.compress(asn if kind == "another database" else city("IS"))
    bad = good if kind == "another database" else BAD_FILES[kind](good)
    server.offer_dbip("dbip-city-lite", "2026-11", bad)
    with pytest.raises(GeolocationError, match="the old one stays"):
        update_databases(settings_for(server), folder, Provider.DBIP, TODAY)
    assert country_of(folder) == "FR"
    assert [path.name for path in folder.iterdir()] == ["dbip-city-lite.mmdb"]


def test_another_sha256_is_refused(
    server: Server, city: Callable[[str], bytes], tmp_path: Path
) -> None:
    """A whole archive that is not the one that MaxMind names is not taken."""
    server.offer_maxmind("GeoLite2-City", city("IS"), sha256="0" * 64)
    with pytest.raises(GeolocationError, match=r"nothing was changed.*SHA-256"):
        update_databases(settings_for(server), tmp_path / "g", Provider.MAXMIND, TODAY)
    assert list((tmp_path / "g").iterdir()) == []


def test_no_end_of_bytes_is_cut(
    server: Server, city: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what is sent nor what it unpacks to fills the disk."""
    server.offer_dbip("dbip-city-lite", "2026-11", gzip.compress(bytes(3_000_000)))
    monkeypatch.setattr(geoip_download, "_MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(GeolocationError, match="1,000,000 bytes when unpacked"):
        update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)
    monkeypatch.setattr(geoip_download, "_MAX_PACKED_BYTES", 1000)
    with pytest.raises(GeolocationError, match="more than 1,000 bytes"):
        update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)


def test_a_server_that_never_ends_is_left(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is for the whole file, however lively the server drips."""
    server.offer_dbip("dbip-city-lite", "2026-11", bytes(1000))
    monkeypatch.setattr(geoip_download, "_DEADLINE_S", 0.0)
    with pytest.raises(GeolocationError, match="not done after 0 s"):
        update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "maxmind_licence_key"), (429, "tomorrow"), (503, "answered 503"), (404, "404")],
)
def test_a_refusal_says_what_to_do(server: Server, tmp_path: Path, status: int, said: str) -> None:
    """Each status by what the user can do about it."""
    path = "/geoip/databases/GeoLite2-City/download?suffix=tar.gz.sha256"
    server.pages[path] = (status, b"no", {})
    with pytest.raises(GeolocationError, match=said):
        update_databases(settings_for(server), tmp_path, Provider.MAXMIND, TODAY)


def test_nobody_there_is_one_sentence(server: Server, tmp_path: Path) -> None:
    """A server that is down, and MaxMind without an account, are told as they are."""
    settings = settings_for(server, maxmind_licence_key="")
    assert default_provider(settings) is Provider.DBIP
    assert default_provider(settings_for(server)) is Provider.MAXMIND
    with pytest.raises(GeolocationError, match="MaxMind needs an account"):
        update_databases(settings, tmp_path, Provider.MAXMIND, TODAY)
    gone = Server()
    gone.stop()
    with pytest.raises(GeolocationError, match="no whole answer"):
        update_databases(settings_for(gone), tmp_path, Provider.DBIP, TODAY)


def test_what_is_there_already_is_not_replaced(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path
) -> None:
    """A file of the same day stays; the sentence says so."""
    server.offer_dbip("dbip-city-lite", "2026-11", gzip.compress(city("IS")))
    server.offer_dbip("dbip-asn-lite", "2026-11", gzip.compress(asn))
    first = update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)
    again = update_databases(settings_for(server), tmp_path, Provider.DBIP, TODAY)
    assert [update.is_new for update in first + again] == [True, True, False, False]
    assert "have already" in again[0].sentence


def test_the_key_is_told_to_nobody(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a log at any level, an error, the settings' text or what a run keeps of them."""
    caplog.set_level(logging.DEBUG)
    settings = settings_for(server)
    path = "/geoip/databases/GeoLite2-City/download?suffix=tar.gz.sha256"
    server.pages[path] = (401, KEY.encode(), {})
    with pytest.raises(GeolocationError) as said:
        update_databases(settings, tmp_path, Provider.MAXMIND, TODAY)
    kept = json.dumps(settings.model_dump(mode="json"))
    for text in (str(said.value), caplog.text, repr(settings), str(settings), kept):
        assert KEY not in text
        assert ACCOUNT not in text


@pytest.mark.parametrize("url", ["http://download.example", "ftp://x", "https://", "nothing"])
def test_the_key_goes_nowhere_in_clear(url: str) -> None:
    """Without encryption the address may be of this machine alone."""
    with pytest.raises(SettingsError, match="maxmind_url"):
        read_settings(f"maxmind_url={url}", file="config.txt", environment={})


def test_status_lists_all_in_order(
    server: Server, city: Callable[[str], bytes], tmp_path: Path
) -> None:
    """What config.txt names, what was got, what is bundled; one of each kind is used."""
    folder = tmp_path / "geoip"
    folder.mkdir()
    (folder / "GeoLite2-City.mmdb").write_bytes(city("IS"))
    (folder / "GeoLite2-ASN.mmdb").write_bytes(b"half a file")
    (tmp_path / "mine.mmdb").write_bytes(city("FR"))
    settings = settings_for(server, geoip_city=str(tmp_path / "mine.mmdb"))
    found = database_status(settings, folder, TODAY)
    assert [(one.question, one.origin, one.is_used) for one in found] == [
        ("places", "config.txt", True),
        ("places", "geoip update", False),
        ("places", "bundled", False),
        ("networks", "geoip update", True),
        ("networks", "bundled", False),
    ]
    assert [one.rows for one in found[:2]] == [2, 2]
    assert found[2].rows is not None
    assert found[2].rows > 5_000_000
    assert found[2].is_old
    assert found[3].name is None
    assert "not a readable MaxMind database" in str(found[3].problem)


def test_the_command_line_shows_and_gets_them(
    server: Server, city: Callable[[str], bytes], asn: bytes, tmp_path: Path
) -> None:
    """`geoip status` and `geoip update` on a workspace, for people and for machines."""
    world = Workspace(tmp_path / "world")
    world.prepare()
    world.config_path.write_text(f"dbip_url={server.url}\nignore_environment=yes\n")
    server.offer_dbip("dbip-city-lite", f"{date.today():%Y-%m}", gzip.compress(city("IS")))
    server.offer_dbip("dbip-asn-lite", f"{date.today():%Y-%m}", gzip.compress(asn))
    run = CliRunner().invoke
    where = ["--workspace", str(world.root)]
    before = json.loads(run(app, ["geoip", "status", "--json", *where]).stdout)
    assert [one["origin"] for one in before["databases"]] == ["bundled", "bundled"]
    updated = run(app, ["geoip", "update", "--json", *where])
    assert updated.exit_code == 0
    assert [one["is_new"] for one in json.loads(updated.stdout)["updates"]] == [True, True]
    shown = run(app, ["geoip", "status", *where])
    assert shown.exit_code == 0
    assert "GeoLite2-ASN" in shown.stdout
    (world.geoip_dir / "dbip-city-lite.mmdb").write_bytes(b"broken")
    assert run(app, ["geoip", "status", "--json", *where]).exit_code == 1
