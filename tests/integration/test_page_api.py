"""The API over a real run and the page's own server: answers, errors, document, examples."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from observatory import worker
from tests.integration.page_world import HOSTILE_NAME, RUN, PageWorld, page_world

DOCUMENT = "/api/v1/openapi.json"
EXAMPLES = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    with page_world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="module")
def api(world: PageWorld) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def document(api: httpx.Client) -> dict[str, Any]:
    return dict(api.get(DOCUMENT).json())


def check(document: dict[str, Any], path: str, method: str, answer: httpx.Response) -> None:
    """Hold an answer to what the document says of it: status, media type, schema."""
    told = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    media_type = answer.headers["Content-Type"].partition(";")[0]
    schema = {"$ref": f"urn:api{told[media_type]['schema']['$ref']}"}
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    Draft202012Validator(schema, registry=registry).validate(answer.json())


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    """It keeps the specification of OpenAPI 3.1."""
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


READS = (
    ("/api/v1/health", "/api/v1/health"),
    ("/api/v1/runs?limit=1", "/api/v1/runs"),
    (f"/api/v1/runs/{RUN}", "/api/v1/runs/{id}"),
    ("/api/v1/torrents", "/api/v1/torrents"),
    (f"/api/v1/torrents?run={RUN}&country=FR&sort=name", "/api/v1/torrents"),
    (f"/api/v1/torrents/{1:040x}", "/api/v1/torrents/{infohash}"),
    (f"/api/v1/torrents/{1:040x}?country=FR", "/api/v1/torrents/{infohash}"),
    ("/api/v1/countries?binning=log2&bin=6", "/api/v1/countries"),
    ("/api/v1/places", "/api/v1/places"),
    ("/api/v1/places?cell_deg=10&bbox=-10,40,20,60", "/api/v1/places"),
    ("/api/v1/jobs", "/api/v1/jobs"),
    ("/api/v1/jobs/1", "/api/v1/jobs/{id}"),
    ("/api/v1/runs/20200101-000000-abcd", "/api/v1/runs/{id}"),
    ("/api/v1/torrents/abc", "/api/v1/torrents/{infohash}"),
    ("/api/v1/countries?country=fr", "/api/v1/countries"),
    ("/api/v1/jobs/99", "/api/v1/jobs/{id}"),
)


@pytest.mark.parametrize(("address", "path"), READS)
def test_answers_are_what_the_document_says(
    api: httpx.Client, document: dict[str, Any], address: str, path: str
) -> None:
    """Each real answer, good or bad, validates against its schema."""
    check(document, path, "get", api.get(address))


def test_every_read_is_tried(document: dict[str, Any]) -> None:
    """No operation of the document is left out of these tests."""
    reads = {path for path, methods in document["paths"].items() if "get" in methods}
    assert {path for _, path in READS} == reads


def test_numbers_are_those_of_the_run(api: httpx.Client) -> None:
    """What was written into the run is what comes out, whole and narrowed."""
    totals = api.get(f"/api/v1/runs/{RUN}").json()["totals"]
    assert (totals["memberships"], totals["countries"], totals["places"]) == (33, 2, 2)
    rows = api.get("/api/v1/countries").json()["countries"]
    assert [(row["country"], row["peers"]) for row in rows] == [("FR", 20), ("DE", 12), ("ZZ", 1)]
    french = api.get("/api/v1/torrents", params={"country": "FR"}).json()
    assert [(row["name"], row["peers"]) for row in french["torrents"]] == [(HOSTILE_NAME, 20)]
    both = api.get("/api/v1/countries", params=[("country", "FR"), ("country", "DE")]).json()
    assert sum(row["peers"] for row in both["countries"]) == 32
    nobody = api.get(f"/api/v1/torrents/{1:040x}", params={"country": "FR"}).json()
    assert (nobody["torrent"]["peers"], nobody["countries"]) == (0, [])


def test_a_long_list_comes_in_pages(api: httpx.Client) -> None:
    """Pages together are the list, and each says how long it is."""
    pages = [
        api.get("/api/v1/torrents", params={"limit": 2, "offset": at, "sort": "swarm"}).json()
        for at in (0, 2, 4)
    ]
    assert {page["total"] for page in pages} == {3}
    assert [row["swarm"] for page in pages for row in page["torrents"]] == [2, 1, 0]


def test_places_are_geojson(api: httpx.Client) -> None:
    """Longitude first, peers without a point beside, and the attribution of the database."""
    answer = api.get("/api/v1/places")
    assert answer.headers["Content-Type"] == "application/geo+json"
    told = answer.json()
    assert [feature["geometry"]["coordinates"] for feature in told["features"]] == [
        [2.3522, 48.8566],
        [13.405, 52.52],
    ]
    assert told["country_level"] == [{"country": "ZZ", "peers": 1}]
    assert told["database"]["attribution"] == "IP Geolocation by DB-IP"
    place = told["features"][0]["id"]
    one = api.get("/api/v1/countries", params={"place": place}).json()["countries"]
    assert [row["country"] for row in one] == ["FR"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/api/v1/countries?country=France", "country.0"),
        ("/api/v1/countries?colour=red", "colour"),
        ("/api/v1/torrents?limit=0", "limit"),
        ("/api/v1/torrents?limit=5&limit=6", "limit"),
        ("/api/v1/torrents?sort=price", "sort"),
        ("/api/v1/places?cell_deg=7", "cell_deg"),
        ("/api/v1/places?bbox=1,2,3", "bbox"),
        ("/api/v1/health?x=1", "x"),
    ],
)
def test_a_mistake_is_named(api: httpx.Client, address: str, said: str) -> None:
    """400 as problem+json, with the parameter that does not read."""
    answer = api.get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"].startswith(f"{said}: ")


def test_what_is_not_there_is_a_problem_too(api: httpx.Client) -> None:
    """404 for paths and 405 for methods, as JSON and not as a page."""
    for address, status in (("/api/v1/nothing", 404), ("/api/v2/runs", 404)):
        answer = api.get(address)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
    refused = api.delete("/api/v1/jobs/1")
    assert (refused.status_code, refused.json()["title"]) == (405, "Method Not Allowed")


def test_an_unchanged_run_is_not_sent_again(api: httpx.Client, world: PageWorld) -> None:
    """304 by the tag while the revision is the same; another question has another tag."""
    first = api.get("/api/v1/countries")
    tag = first.headers["ETag"]
    again = api.get("/api/v1/countries", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = api.get("/api/v1/countries?country=FR", headers={"If-None-Match": tag})
    assert other.status_code == 200
    manifest = world.desk.open_run(RUN).folder / "manifest.json"
    before = manifest.stat()
    manifest.write_bytes(manifest.read_bytes())
    assert before.st_mtime_ns != manifest.stat().st_mtime_ns
    assert api.get("/api/v1/countries", headers={"If-None-Match": tag}).status_code == 200


def test_a_job_is_started_with_the_token(
    api: httpx.Client, world: PageWorld, document: dict[str, Any]
) -> None:
    """202 and where to look; without the token 401, with nonsense 400."""
    jobs = "/api/v1/jobs"
    body: dict[str, Any] = {"job": {"kind": "fetch"}}
    bearer = {"Authorization": f"Bearer {world.token}"}
    check(document, jobs, "post", api.post(jobs, json=body))
    assert api.post(jobs, json=body).status_code == 401
    for wrong in ({"job": {"kind": "import", "folder": "/etc"}}, {"job": {"kind": "purge"}}, []):
        refused = api.post(jobs, json=wrong, headers=bearer)
        assert refused.status_code == 400
        check(document, jobs, "post", refused)
    assert world.desk.active_job() is None

    started = api.post(jobs, json={"job": {"kind": "purge", "confirm": True}}, headers=bearer)
    assert started.status_code == 202
    check(document, jobs, "post", started)
    where = started.headers["Location"]
    assert where == f"{jobs}/{started.json()['id']}"
    busy = api.post(jobs, json=body, headers=bearer)
    ended = wait_for_job(api, where)
    assert ended["state"] == "done"
    if busy.status_code == 409:
        check(document, jobs, "post", busy)
    assert api.get("/api/v1/runs").json()["total"] == 0
    gone = api.get("/api/v1/places")
    assert gone.status_code == 404
    check(document, "/api/v1/places", "get", gone)


def wait_for_job(api: httpx.Client, where: str) -> dict[str, Any]:
    """The job when its worker, a process of its own, has ended."""
    for child in list(worker._children):
        child.wait(60)
    return dict(api.get(where).json())


def examples() -> list[str]:
    """The commands of docs/api.md."""
    blocks = re.findall(r"```sh\n(.*?)```", EXAMPLES.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl")]


@pytest.mark.curl
def test_the_examples_of_the_documentation_work(tmp_path: Path) -> None:
    """Each curl line of docs/api.md, as it stands there, succeeds upon a page with a run."""
    assert len(examples()) == 8
    with page_world(tmp_path) as world:
        for line in examples():
            here = line.replace("http://127.0.0.1:8050", world.url)
            done = subprocess.run(
                ["bash", "-c", here],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (line, done.stderr)
            if done.stdout:
                assert "detail" not in json.loads(done.stdout), line
        with httpx.Client(base_url=world.url, trust_env=False, timeout=60) as client:
            wait_for_job(client, "/api/v1/jobs/2")  # what the last line started
