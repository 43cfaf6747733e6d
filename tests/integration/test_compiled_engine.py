"""The compiled engine: built from the source as it is, used by workers, and the same otherwise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crawler import compiled
from crawler.census import CensusPlan, take_census
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm, make_swarms, plant
from swarm.census import SwarmCensus
from swarm.infohash import InfoHash

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled engine, made afresh and apart, so that no other test runs by it."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    target = tmp_path_factory.mktemp("engine") / "built"
    command = [sys.executable, str(ROOT / "scripts" / "compile_engine.py"), "--to", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=150)
    return target


def test_workers_import_machine_code(built: Path) -> None:
    """With the build first on the path, each module that is compiled is taken from it."""
    script = (
        "import importlib as i, sys; [print(i.import_module(n).__file__) for n in sys.argv[1:]]"
    )
    names = [f"crawler.{name}" for name in compiled.MODULES]
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *names],
        env={"PYTHONPATH": f"{built}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    files = [Path(line) for line in done.stdout.splitlines()]
    assert all(file.suffix == ".so" and file.is_relative_to(built) for file in files)
    assert len(files) == len(compiled.MODULES)


def test_an_edited_source_is_not_shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build is used for the source that it was made from, and for no other."""
    edited = tmp_path / "crawler"
    shutil.copytree(compiled.PACKAGE, edited, ignore=shutil.ignore_patterns("__pycache__"))
    built = compiled.build_dir()
    monkeypatch.setattr(compiled, "PACKAGE", edited)
    assert compiled.build_dir() == built
    with (edited / "lookup.py").open("a") as file:
        file.write("# edited\n")
    assert compiled.build_dir() != built


def test_finds_what_the_source_finds(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A census by the compiled engine finds every planted peer and no other, as by the source."""
    monkeypatch.setattr(compiled, "import_root", lambda: built)
    swarms = make_swarms(seed=8, count=150, largest=200)
    with SimulatedDht(seed=8, nodes=1000) as dht:
        plant(dht, swarms)
        found = [take_all(dht, swarms, use_compiled=use) for use in (True, False)]
    assert found[0] == found[1] == {swarm.key: set(swarm.peers) for swarm in swarms}


def take_all(
    dht: SimulatedDht, swarms: tuple[PlantedSwarm, ...], *, use_compiled: bool
) -> dict[bytes, set[bytes]]:
    plan = CensusPlan(
        bootstrap=(dht.bootstrap,),
        processes=1,
        max_packets_per_s=0,
        deadline_s=60,
        allow_local=True,
        use_compiled=use_compiled,
    )
    keys = [InfoHash(swarm.key) for swarm in swarms]
    return {
        event.infohash.digest: {
            sighting.peer.address.packed + sighting.peer.port.to_bytes(2)
            for sighting in event.sightings
        }
        for event in take_census(keys, plan)
        if isinstance(event, SwarmCensus)
    }
