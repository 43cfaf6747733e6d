"""analysis.locator: which database answers, and what is said when the named one cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.locator import open_locator
from swarm.errors import GeolocationError
from tests.geo_databases import city_record, packed, write_mmdb


def test_the_bundled_database_answers_by_default() -> None:
    """Without geoip_city a fresh clone places addresses."""
    locator = open_locator(None)
    assert locator.database.name == "DB-IP City Lite"
    assert locator.locate(packed("129.132.1.1"))["country"].item() == "CH"


def test_the_named_database_answers(tmp_path: Path) -> None:
    """With geoip_city that file is the only word."""
    path = write_mmdb(tmp_path / "mine.mmdb", {"1.0.0.0/8": city_record("IS", "Hof", 64, -15)})
    frame = open_locator(path).locate(packed("1.1.1.1", "129.132.1.1"))
    assert frame["country"].to_list() == ["IS", "ZZ"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.mmdb", "no such file"),
        ("folder.mmdb", "not a readable MaxMind database"),
        ("empty.mmdb", "not a readable MaxMind database"),
        ("page.mmdb", "not a readable MaxMind database"),
        ("asn.mmdb", "which holds no countries or cities"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    """Path, what is wrong, what to do, and the bundled database with its date."""
    (tmp_path / "folder.mmdb").mkdir()
    (tmp_path / "empty.mmdb").touch()
    (tmp_path / "page.mmdb").write_text("<html>Please log in</html>" * 1000)
    write_mmdb(tmp_path / "asn.mmdb", {"1.0.0.0/8": {"autonomous_system_number": 1}})
    with pytest.raises(GeolocationError) as caught:
        open_locator(tmp_path / name)
    sentence = str(caught.value)
    assert str(tmp_path / name) in sentence
    assert said in sentence
    assert "leave geoip_city empty to use the bundled DB-IP City Lite of 20" in sentence
    assert "\n" not in sentence
