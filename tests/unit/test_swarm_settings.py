"""swarm.settings: the classic keys, ours, the environment, and errors that name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm.errors import SettingsError
from swarm.settings import KEYS, Settings, read_database_url, read_settings

SHIPPED = Path(__file__).parents[2] / "config.txt"


def read(text: str, **environment: str) -> Settings:
    return read_settings(text, file="config.txt", environment=environment)


def test_classic_file_reads() -> None:
    """A config.txt of the classic tool reads unchanged, misspelt key and '=' in the value."""
    settings = read(
        "selenium_in_docker=1\nbtdht_in_docker=0\nroot_url=https://indexer.example/?a=b=c\n"
        "wait=3\nwait-safe-cloudfare=10\n"
    )
    assert settings.root_url == "https://indexer.example/?a=b=c"
    assert settings.selenium_in_docker
    assert (settings.wait, settings.wait_challenge) == (3.0, 10.0)


def test_well_spelt_alias() -> None:
    """wait-safe-cloudflare means the same as the misspelt key."""
    assert read("wait-safe-cloudflare=7").wait_challenge == 7.0


def test_shipped_file_is_the_default_and_documents_every_key() -> None:
    """The shipped config.txt changes nothing, and explains each key that exists."""
    text = SHIPPED.read_text()
    assert read(text) == Settings()
    for key in KEYS:
        assert key in text, f"{key} is not documented in config.txt"


def test_environment_wins() -> None:
    """SWARM_ATLAS_<KEY> overrides the file, dashes written as underscores."""
    environment = {
        "SWARM_ATLAS_WAIT": "1",
        "SWARM_ATLAS_WAIT_SAFE_CLOUDFARE": "4",
        "SWARM_ATLAS_ROOT_URL": "http://127.0.0.1:1/",
        "PATH": "/bin",
    }
    settings = read("wait=9\nroot_url=https://indexer.example", **environment)
    assert (settings.wait, settings.wait_challenge) == (1.0, 4.0)
    assert settings.root_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("# fine\nwait=soon", ("line 2", "wait=soon")),
        ("colour=red", ("line 1", "unknown key 'colour'", "root_url")),
        ("wait=1\nwait=2", ("line 2", "line 1")),
        ("just words", ("line 1", "not key=value")),
        ("root_url=ftp://x", ("line 1", "root_url=ftp://x", "http://")),
        ("root_url=http://", ("line 1", "root_url")),
        ("dht_bootstrap=router:99999", ("line 1", "HOST:PORT")),
        ("wait=-1", ("line 1", "greater than or equal to 0")),
        ("max_packets_per_s=nan", ("line 1", "max_packets_per_s")),
        ("processes=1.5", ("line 1", "processes")),
        ("store_addresses=perhaps", ("line 1", "store_addresses")),
    ],
)
def test_errors_name_file_line_and_key(text: str, parts: tuple[str, ...]) -> None:
    """A bad line is an error that says which file, which line, which key, and what is expected."""
    with pytest.raises(SettingsError) as error:
        read(text)
    for part in ("config.txt", *parts):
        assert part in str(error.value)


def test_a_file_can_count_alone() -> None:
    """With ignore_environment=yes no variable leads out of the file's world."""
    text = "ignore_environment=yes\nroot_url=http://127.0.0.1:1\n"
    settings = read(text, SWARM_ATLAS_ROOT_URL="https://elsewhere.example", SWARM_ATLAS_X="1")
    assert settings.root_url == "http://127.0.0.1:1"


def test_bad_environment_is_named() -> None:
    """A bad or unknown variable is named as such."""
    with pytest.raises(SettingsError, match="environment variable SWARM_ATLAS_WAIT"):
        read("wait=1", SWARM_ATLAS_WAIT="x")
    with pytest.raises(SettingsError, match="SWARM_ATLAS_COLOUR"):
        read("", SWARM_ATLAS_COLOUR="red")


def test_settings_are_frozen() -> None:
    """Nobody changes settings behind a job's back."""
    with pytest.raises(ValueError, match="frozen"):
        read("").wait = 1.0  # type: ignore[misc]


def test_no_dump_holds_a_secret() -> None:
    """What a manifest or a job's row keeps of the settings has no key and no password."""
    settings = read(
        "feeds=https://indexer.example/rss?apikey=hush\nhttp_proxy=http://u:hush@proxy.example:1\n"
        "database_url=postgresql://u:hush@db.example/atlas\nmaxmind_licence_key=hush\n"
    )
    assert settings.database_url == "postgresql://u:hush@db.example/atlas"
    assert "hush" not in settings.model_dump_json()
    with pytest.raises(SettingsError, match=r"database_url=\.\.\. is refused") as caught:
        read("database_url=mysql://u:hush@db.example/atlas")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "environment", "url"),
    [
        ("", {}, ""),
        ("wait=?\n database_url = postgresql://h/d?a=b \nnonsense", {}, "postgresql://h/d?a=b"),
        ("# database_url=postgresql://h/d", {}, ""),
        ("database_url=a", {"SWARM_ATLAS_DATABASE_URL": "b"}, "b"),
        ("database_url=a\nignore_environment=yes", {"SWARM_ATLAS_DATABASE_URL": "b"}, "a"),
    ],
)
def test_database_is_known_whatever_else_is_wrong(
    text: str, environment: dict[str, str], url: str
) -> None:
    """The catalogue is found where other lines do not read: failed jobs are told there."""
    assert read_database_url(text, environment=environment) == url
