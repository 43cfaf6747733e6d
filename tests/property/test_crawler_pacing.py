"""crawler.pacing: the caps hold for any pattern of asking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crawler.pacing import ADDRESS_BURST, ADDRESS_RATE_PER_S, Pacing

steps = st.lists(
    st.tuples(st.floats(0, 0.4), st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"])),
    max_size=150,
)


@given(steps, st.integers(2, 60))
def test_no_second_holds_more_than_the_cap(steps: list[tuple[float, str]], cap: int) -> None:
    """However packets are asked for, no window of one second grants more than the cap."""
    now, granted = 0.0, []
    pacing = Pacing(cap)
    for pause, host in steps:
        now += pause / 10
        if pacing.take(host, now) == 0.0:
            granted.append(now)
    for i, start in enumerate(granted):
        assert sum(time < start + 0.999 for time in granted[i:]) <= cap


@given(steps)
def test_no_address_gets_more_than_its_bucket(steps: list[tuple[float, str]]) -> None:
    """At most a burst of four and one query a second reach an address, over any span."""
    now = 0.0
    granted: dict[str, list[float]] = {}
    pacing = Pacing(1_000_000)
    for pause, host in steps:
        now += pause
        if pacing.take(host, now) == 0.0:
            granted.setdefault(host, []).append(now)
    for times in granted.values():
        for i, start in enumerate(times):
            for j, end in enumerate(times[i:], start=1):
                assert j <= ADDRESS_BURST + (end - start) * ADDRESS_RATE_PER_S + 1e-3


@given(steps, st.integers(1, 60))
def test_waiting_as_told_is_enough(steps: list[tuple[float, str]], cap: int) -> None:
    """Who waits as long as a refusal says gets leave, unless another took it meanwhile."""
    now = 0.0
    pacing = Pacing(cap)
    for pause, host in steps:
        now += pause
        wait_s = pacing.take(host, now)
        if wait_s > 0:
            now += wait_s
            assert pacing.take(host, now) == 0.0
