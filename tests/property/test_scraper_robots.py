"""robots.txt is hostile input like any other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scraper.robots import LONGEST_DELAY_S, read_robots

WORDS = st.sampled_from(
    [
        "User-agent:",
        "user agent ",
        "Disallow: /",
        "Allow: *",
        "Crawl-delay: ",
        "Request-rate: ",
        "*",
        "SwarmAtlas",
        "\n",
        "\r",
        "#",
        "%zz",
        "$",
        "1/0",
        "9e99",
        "\0",
        "\u2028",
        "1/1h 0600-0845",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=400), st.lists(WORDS, max_size=40).map(lambda w: "".join(w).encode())
    )
)
def test_any_bytes_are_rules(raw: bytes) -> None:
    """Whatever the bytes are, there is an answer for every address, and a bounded wait."""
    rules = read_robots(raw)
    assert 0 <= rules.wait_s <= LONGEST_DELAY_S
    for path in ("/", "/a.torrent?b=%zz", "/\u00e9"):
        assert rules.refuses("http://site.example" + path) in (
            None,
            rules.refuses("http://x" + path),
        )
