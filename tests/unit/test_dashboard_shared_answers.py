"""What tabs ask alike is answered once, with the same bytes, until the world changes."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar, cast

import pytest
from dash import Dash
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import ids, live, shared_answers
from dashboard.app import build_app
from observatory.host import Host
from observatory.job import JobKind
from tests.browser.fake_host import FakeHost

GZIP = {"Accept-Encoding": "gzip"}


class Asked:
    """A page's server whose callbacks are counted, and what a tab knows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host = FakeHost(torrents=24)
        self.host.home.start(JobKind.FETCH, {})
        self.host.home.work(12)
        self.spent: list[float] = []
        monkeypatch.setattr(live.LiveView, "spent", lambda _self, cpu_s: self.spent.append(cpu_s))
        monkeypatch.setattr(live, "_LOOK_S", 0.0)
        self.app: Dash = build_app(cast(Host, self.host))
        self.client: FlaskClient = self.app.server.test_client()
        self.made = 0
        dispatch = self.app.server.view_functions["/_dash-update-component"]

        def counted(*arguments: Any, **named: Any) -> Any:
            self.made += 1
            return dispatch(*arguments, **named)

        self.app.server.view_functions["/_dash-update-component"] = counted
        self.known: dict[str, Any] = {
            f"{ids.SCHEME}.data": "light",
            f"{ids.TOP}.value": "10",
            f"{ids.HIDDEN}.data": [],
            f"{ids.PER_CATEGORY}.value": 3,
            f"{ids.WINDOW_WIDTH}.data": 1440,
        }

    def ask(
        self, output: str, because: str, headers: dict[str, str] | None = None, **known: Any
    ) -> TestResponse:
        """Ask the callback that has this output."""
        key = next(key for key in self.app.callback_map if f"..{output}.data.." in f"..{key}..")
        callback = self.app.callback_map[key]
        values = self.known | {name.replace("__", "."): value for name, value in known.items()}

        def filled(parts: list[dict[str, str]]) -> list[dict[str, Any]]:
            return [
                {**part, "value": values.get(f"{part['id']}.{part['property']}")} for part in parts
            ]

        names = [name.rpartition(".") for name in key.strip(".").split("...")]
        body = {
            "output": key,
            "outputs": [{"id": name, "property": prop} for name, _, prop in names],
            "inputs": filled(callback["inputs"]),
            "state": filled(callback["state"]),
            "changedPropIds": [because],
        }
        return self.client.post("/_dash-update-component", json=body, headers=headers)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A world in the middle of a fetch."""
    return Asked(monkeypatch)


def test_one_answer_serves_all_tabs_until_the_world_changes(asked: Asked) -> None:
    """The beat's number is each tab's own and does not matter; a finished swarm does."""
    beats = itertools.count()
    first = asked.ask(ids.SEEN, "tick.data", tick__data=next(beats))
    again = asked.ask(ids.SEEN, "tick.data", tick__data=next(beats))
    assert asked.made == 1
    assert (again.status_code, again.data) == (first.status_code, first.data)
    asked.host.home.work(1)
    later = asked.ask(ids.SEEN, "tick.data", tick__data=next(beats))
    assert asked.made == 2
    told = [json.loads(answer.data)["response"][ids.SEEN]["data"] for answer in (first, later)]
    assert told[0] != told[1]
    for _tab in range(3):
        same = asked.ask(ids.SEEN, "tick.data", tick__data=next(beats), seen__data=told[1])
        assert json.loads(same.data)["response"] == {}
    assert asked.made == 3


def test_a_shared_answer_is_what_the_callback_says(asked: Asked) -> None:
    """The same bytes and kind, packed for who takes it so; another question, another answer."""
    seen = json.loads(asked.ask(ids.SEEN, "tick.data").data)["response"][ids.SEEN]["data"]
    filled = asked.ask(ids.FILLED, "seen.data", seen__data=seen)
    key = json.loads(filled.data)["response"][ids.RUN_KEY]["data"]
    known = {"charted__data": key}
    made = asked.made
    packed = [asked.ask(ids.BARS_DRAWN, "charted.data", GZIP, **known) for _tab in range(2)]
    plain = [asked.ask(ids.BARS_DRAWN, "charted.data", **known) for _tab in range(2)]
    assert asked.made == made + 2
    assert packed[0].data == packed[1].data
    assert {answer.headers["Content-Encoding"] for answer in packed} == {"gzip"}
    assert {"Content-Encoding" in answer.headers for answer in plain} == {False}
    assert gzip.decompress(packed[1].data) == plain[1].data
    assert all(answer.mimetype == "application/json" for answer in (*packed, *plain))
    assert packed[1].headers["Vary"] == packed[0].headers["Vary"]
    assert "default-src 'self'" in packed[1].headers["Content-Security-Policy"]
    dark = asked.ask(ids.BARS_DRAWN, "charted.data", **known, scheme__data="dark")
    assert dark.data != plain[0].data


def test_what_orders_or_fails_is_never_shared(asked: Asked) -> None:
    """A beat after an order looks anew; a reason why it failed is not said to others."""
    for _click in range(2):
        asked.ask(ids.SEEN, "nudge.data")
    assert asked.made == 2
    for _tab in range(2):
        bad = asked.ask(ids.MAP_DRAWN, "charted.data", **{"charted__data": {"world": "?"}})
        assert b"sideUpdate" in bad.data
    assert asked.made == 4
    foreign = {"Origin": "http://evil.example"}
    asked.ask(ids.SEEN, "tick.data")
    assert asked.ask(ids.SEEN, "tick.data", foreign).status_code == 403


class Awaited(Future[Any]):
    """Says when somebody waits for it."""

    waiting: ClassVar[threading.Semaphore]

    def result(self, timeout: float | None = None) -> Any:
        self.waiting.release()
        return super().result(timeout)


@pytest.fixture
def held(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Callbacks answer when another tab waits for what they say, or when nobody else will."""
    waiting = threading.Semaphore(0)
    monkeypatch.setattr(Awaited, "waiting", waiting, raising=False)
    monkeypatch.setattr(shared_answers, "Future", Awaited)
    dispatch = asked.app.server.view_functions["/_dash-update-component"]

    def hold(*arguments: Any, **named: Any) -> Any:
        assert waiting.acquire(timeout=60), "no other tab waits"
        return dispatch(*arguments, **named)

    asked.app.server.view_functions["/_dash-update-component"] = hold
    return waiting


@pytest.mark.parametrize("charted", [None, {"world": "?"}], ids=["an answer", "an error"])
def test_who_asks_before_there_is_an_answer_waits_for_it(
    asked: Asked, held: threading.Semaphore, charted: object
) -> None:
    """Two tabs at once cost one answer, and get the same one; where it failed, the same reason."""
    with ThreadPoolExecutor(2) as tabs:
        asking = [
            tabs.submit(asked.ask, ids.MAP_DRAWN, "charted.data", None, charted__data=charted)
            for _tab in range(2)
        ]
        first, second = (answer.result(60) for answer in asking)
    assert asked.made == 1
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert (b"sideUpdate" in first.data) == (charted is not None)
    held.release()  # an error is not kept: who comes later asks anew
    asked.ask(ids.MAP_DRAWN, "charted.data", charted__data=charted)
    assert asked.made == (1 if charted is None else 2)


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no answer comes, or not in time, who waits makes one."""
    kept, answer = shared_answers._Kept(), shared_answers._Answer(200, b"{}", ())
    assert kept.get(b"?") is None
    monkeypatch.setattr(shared_answers, "_PATIENCE_S", 0.0)
    assert kept.get(b"?") is None
    monkeypatch.setattr(shared_answers, "_PATIENCE_S", 60.0)
    monkeypatch.setattr(shared_answers, "Future", Awaited)
    monkeypatch.setattr(Awaited, "waiting", threading.Semaphore(0), raising=False)
    for made, got in ((answer, answer), (None, None)):
        assert kept.get(b"!") is None
        with ThreadPoolExecutor(1) as tab:
            waits = tab.submit(kept.get, b"!")
            assert Awaited.waiting.acquire(timeout=60)
            kept.made(b"!", made)
            assert waits.result(60) is got


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 9_000, b'{"outputs":[1],"inputs":[2],"changedPropIds":[]}']
)
def test_bodies_of_strangers_are_left_to_dash(asked: Asked, body: bytes) -> None:
    """What is no question of ours is not shared, and does not fail here."""
    with asked.app.server.test_request_context("/_dash-update-component", "POST", data=body):
        assert shared_answers._question(live.LiveView(cast(Host, asked.host))) is None


def test_all_that_answers_took_is_counted(asked: Asked) -> None:
    """Those from memory as well: many tabs make changes rarer."""
    asked.ask(ids.SEEN, "tick.data")
    before = len(asked.spent)
    asked.ask(ids.SEEN, "tick.data")
    assert asked.made == 1
    assert len(asked.spent) == before + 1
    assert asked.spent[-1] > 0


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answers make room."""
    monkeypatch.setattr(shared_answers, "_KEPT_BYTES", 10_000)
    kept = shared_answers._Kept()
    for number in range(20):
        kept.keep(bytes([number]), shared_answers._Answer(200, b"x" * 1_000, ()))
    assert [number for number in range(20) if kept.get(bytes([number]))] == list(range(15, 20))
