"""The lab site's pages: home, category listings, details. Values in, HTML out; opens nothing.

The markup follows the classic indexer layout: a `table.table-list` of torrents, one
`/torrent/...` page each, a `/sort-cat/...` address per category. All text is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from urllib.parse import quote

from swarm.infohash import InfoHash

SITE_NAME = "Lantern Index"
CATEGORIES = ("TV", "Movies", "Software", "Music", "Games", "Anime", "Books", "Other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One entry of the site: what its row and its page say, and the .torrent it hands out.

    `torrent` None is an entry whose page has no .torrent link. The same `torrent` in two listings
    is what a real site calls a duplicate. `file_name` is the link's last part, without suffix;
    absent, the title stands there.
    """

    title: str
    category: str
    subcategory: str | None = None
    language: str | None = "English"
    size_bytes: int
    seeders: int
    leechers: int
    uploaded_on: date = date(2026, 1, 1)
    torrent: bytes | None
    infohash: InfoHash | None = None
    file_name: str | None = None
    description: str = ""


def detail_path(number: int, listing: Listing) -> str:
    """Where the listing's page is: `/torrent/7/some-title/`."""
    slug = re.sub(r"[^a-z0-9]+", "-", listing.title.lower()).strip("-")
    return f"/torrent/{number}/{slug or 'untitled'}/"


def torrent_path(number: int, listing: Listing) -> str:
    """Where the listing's .torrent is; percent-encoded."""
    return f"/download/{number}/{quote(listing.file_name or listing.title, safe='')}.torrent"


def listing_path(category: str, page: int) -> str:
    """Where a category's listing is; pages count from 1."""
    return f"/sort-cat/{quote(category, safe='')}/seeders/desc/{page}/"


def home_page(counts: Sequence[tuple[str, int]]) -> str:
    """The start page: every category with how many torrents it holds."""
    tiles = "".join(
        f'<a class="tile" href="{listing_path(name, 1)}"><b>{escape(name)}</b>'
        f"<span>{count} torrents</span></a>"
        for name, count in counts
    )
    intro = "A small index of files that are free to share, inside this machine only."
    return _document("Home", f'<p class="lead">{intro}</p><div class="tiles">{tiles}</div>')


def listing_page(category: str, page: int, pages: int, rows: Sequence[tuple[int, Listing]]) -> str:
    """One page of a category; `rows` are (number, listing), best seeded first."""
    head = "".join(f"<th>{name}</th>" for name in ("Name", "Seeders", "Leechers", "Added", "Size"))
    body = "".join(_row(number, listing) for number, listing in rows)
    table = (
        f'<table class="table-list"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        if rows
        else '<p class="empty">No torrents here yet.</p>'
    )
    title = f"{category} torrents by seeders"
    return _document(title, f"<h1>{escape(title)}</h1>{table}{_pagination(category, page, pages)}")


def _row(number: int, listing: Listing) -> str:
    return (
        f'<tr><td class="coll-1 name"><a class="icon" href="{listing_path(listing.category, 1)}" '
        f'aria-label="{escape(listing.category)}">&#9679;</a>'
        f'<a href="{detail_path(number, listing)}">{escape(listing.title)}</a></td>'
        f'<td class="coll-2 seeds">{listing.seeders}</td>'
        f'<td class="coll-3 leeches">{listing.leechers}</td>'
        f'<td class="coll-date">{listing.uploaded_on.isoformat()}</td>'
        f'<td class="coll-4 size">{size_text(listing.size_bytes)}'
        f'<span class="seeds">{listing.seeders}</span></td></tr>'
    )


def _pagination(category: str, page: int, pages: int) -> str:
    if pages < 2:
        return ""
    links = "".join(
        f'<li{" class=active" if n == page else ""}><a href="{listing_path(category, n)}">{n}</a>'
        "</li>"
        for n in range(1, pages + 1)
    )
    if page < pages:
        links += f'<li><a rel="next" href="{listing_path(category, page + 1)}">Next</a></li>'
    return f'<nav class="pagination" aria-label="Pages"><ul>{links}</ul></nav>'


def detail_page(number: int, listing: Listing) -> str:
    """Everything the site knows of one torrent, and its links."""
    rows = [
        ("Category", listing.category),
        ("Type", listing.subcategory),
        ("Language", listing.language),
        ("Total size", size_text(listing.size_bytes)),
        ("Date uploaded", listing.uploaded_on.isoformat()),
        ("Seeders", str(listing.seeders)),
        ("Leechers", str(listing.leechers)),
        ("Infohash", listing.infohash.hex if listing.infohash else None),
    ]
    facts = "".join(
        f"<li><strong>{name}</strong> <span>{escape(value)}</span></li>"
        for name, value in rows
        if value is not None
    )
    return _document(
        listing.title,
        f'<div class="torrent-detail-page"><h1>{escape(listing.title)}</h1>'
        f'<p class="links">{_links(number, listing)}</p><ul class="list">{facts}</ul>'
        f'<p class="description">{escape(listing.description)}</p></div>',
    )


def _links(number: int, listing: Listing) -> str:
    links = []
    if listing.torrent is not None:
        links.append(f'<a class="button" href="{torrent_path(number, listing)}">Torrent file</a>')
    if listing.infohash is not None:
        magnet = f"magnet:?xt=urn:btih:{listing.infohash.hex}&dn={quote(listing.title, safe='')}"
        links.append(f'<a class="button quiet" href="{escape(magnet)}">Magnet</a>')
    return " ".join(links)


def message_page(title: str, text: str) -> str:
    """A page that only says something: not found, too many requests."""
    return _document(title, f'<h1>{escape(title)}</h1><p class="lead">{escape(text)}</p>')


def size_text(size_bytes: int) -> str:
    """A size as sites write it: decimal units, one digit; `1.4 GB`."""
    amount = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _document(title: str, body: str) -> str:
    links = "".join(f'<a href="{listing_path(name, 1)}">{name}</a>' for name in CATEGORIES)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} - {SITE_NAME}</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>"
        f'<header><a class="brand" href="/">{_LOGO}{SITE_NAME}</a><nav>{links}</nav></header>'
        f"<main>{body}</main>"
        "<footer>A lab site: it exists only on this machine, and only while the lab runs.</footer>"
        "</body></html>"
    )


_LOGO = (
    '<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M9 2h6v2h2l1 4v9'
    'l-2 5H8l-2-5V8l1-4h2z" fill="#e8a33d"/><path d="M12 8c2 3 3 4 3 6a3 3 0 0 1-6 0c0-2 1-3 3-6z"'
    ' fill="#fff6df"/></svg>'
)
_STYLE = """
:root{--ink:#1d2733;--mute:#56616e;--line:#dde3e9;--paper:#fbfaf7;--card:#fff;--link:#1f5f8b;
color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--mute:#9aa6b2;--line:#2d3743;--paper:#151a20;
--card:#1c232b;--link:#7ab8e0}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}a{color:var(--link);text-decoration:none}a:hover{
text-decoration:underline}header{display:flex;flex-wrap:wrap;gap:.5rem 2rem;align-items:center;
padding:.8rem 1.5rem;border-bottom:1px solid var(--line);background:var(--card)}
header nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem}.brand{display:flex;gap:.5rem;
align-items:center;font-weight:700;color:var(--ink)}main{max-width:64rem;margin:1.5rem auto;
padding:0 1.5rem}h1{font-size:1.5rem;overflow-wrap:anywhere}.lead,.empty,footer{color:var(--mute)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1rem}
.tile{display:flex;flex-direction:column;padding:1rem;border:1px solid var(--line);
border-radius:.6rem;background:var(--card)}.tile span{color:var(--mute);font-size:.9rem}
.table-list{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line)}
th,td{padding:.5rem .7rem;text-align:right;border-bottom:1px solid var(--line);
font-variant-numeric:tabular-nums;white-space:nowrap}th:first-child,td.name{text-align:left;
white-space:normal;overflow-wrap:anywhere}td.name .icon{color:#e8a33d;margin-right:.5rem}
td.seeds{color:#2c7a4b}td.leeches{color:#b4552d}td.size .seeds{display:none}
.pagination ul{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;padding:0}
.pagination a{padding:.25rem .7rem;border:1px solid var(--line);border-radius:.3rem}
.pagination .active a{background:var(--link);color:var(--paper)}
.button{display:inline-block;padding:.5rem 1rem;border-radius:.4rem;background:var(--link);
color:var(--paper)}.button.quiet{background:none;border:1px solid var(--line);color:var(--link)}
.list{list-style:none;padding:0;columns:2 18rem}.list li{display:flex;gap:1rem;padding:.3rem 0;
border-bottom:1px solid var(--line);break-inside:avoid}.list strong{min-width:8rem;
color:var(--mute);font-weight:500}.list span{overflow-wrap:anywhere}
footer{max-width:64rem;margin:3rem auto 1rem;padding:0 1.5rem;font-size:.85rem}
""".replace("\n", "")
