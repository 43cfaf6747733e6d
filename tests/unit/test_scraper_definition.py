"""Site definitions: what is accepted, and how each mistake is told with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from scraper.definition_file import load_definition, read_definition, shipped_names
from swarm.errors import DefinitionError

GOOD = """\
id: my-site
name: My site
links: [https://films.example/sub/]
caps:
  categorymappings:
    - {id: 7, cat: Movies, desc: Documentary}
    - {id: no, cat: Books}
search:
  paths:
    - path: list.php?c={{ .Category }}
  inputs:
    page: "{{ .Page }}"
    q: "{{ .Keywords }}"
  rows:
    selector: table tr
  fields:
    title:
      selector: a.name
    details:
      selector: a.name
      attribute: href
    date:
      selector: td.age
      filters:
        - name: timeago
next:
  selector: .pages a
  numbered: true
"""


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_definition(text.encode() if isinstance(text, str) else text, file="x.yaml")
    return [str(problem) for problem in caught.value.args]


def test_a_good_definition_reads() -> None:
    """Listings per category, addresses with their page, names as the rest of the program has them.

    Scalars stay texts: a category called `no` is no boolean.
    """
    site = read_definition(GOOD.encode(), file="x.yaml")
    assert [listing.label for listing in site.listings] == ["Movies > Documentary", "Books"]
    assert site.root_url == "https://films.example/sub"
    expected = "https://films.example/sub/list.php?c=no&page=3&q="
    assert site.listings[1].url("https://films.example/sub", 3) == expected
    assert (site.category_label("7"), site.category_label("documentary")) == (
        ("Movies > Documentary",) * 2
    )
    assert site.category_label("Elsewhere") == "Elsewhere"


MISTAKES: dict[str, tuple[str, str, str]] = {
    "an unknown key at the top": ("id: my-site", "id: my-site\nlink: x", "line 2: link: unknown"),
    "an unknown field": ("    date:", "    added:", "line 22: search.fields.added: unknown key"),
    "a key of Cardigann that is not read": (
        "id: my-site",
        "id: my-site\nlogin: {}",
        "line 2: login: a key of Cardigann",
    ),
    "a misspelt key of a field": (
        "attribute: href",
        "atribute: href",
        "line 21: search.fields.details.atribute: unknown key",
    ),
    "a broken selector": (
        "selector: table tr",
        "selector: table >",
        "line 15: search.rows.selector: 'table >' is no usable CSS selector",
    ),
    "a pseudo-element": (
        "a.name\n    d",
        "a::text\n    d",
        "line 18: search.fields.title.selector",
    ),
    "a namespace": ("selector: .pages a", "selector: x|a", "line 27: next.selector: 'x|a' is no"),
    "an unknown filter": (
        "name: timeago",
        "name: ago",
        "line 25: search.fields.date.filters[0]: unknown filter 'ago'",
    ),
    "wrong filter args": (
        "name: timeago",
        "{name: split, args: [a]}",
        "line 25: search.fields.date.filters[0]: split takes a separator and a position",
    ),
    "a bad regexp": (
        "name: timeago",
        "{name: regexp, args: '(a'}",
        "line 25: search.fields.date.filters[0]: regexp: '(a' is no pattern",
    ),
    "a missing selector": (
        "    selector: table tr\n",
        "    empty: p\n",
        "line 14: search.rows.selector: is missing",
    ),
    "no title": ("    title:", "    files:", "line 16: search.fields.title: is missing"),
    "an empty value": ("id: my-site", "id:", "line 1: id: is empty"),
    "a bad id": ("id: my-site", "id: My Site", "line 1: id: has only a to z"),
    "no way to the torrent": (
        "    details:",
        "    language:",
        "line 16: search.fields: needs one of: details, download",
    ),
    "a link without attribute": (
        "      attribute: href\n",
        "",
        "line 19: search.fields.details: needs an attribute",
    ),
    "two ways to find a field": (
        "attribute: href",
        "text: x",
        "line 19: search.fields.details: needs one of: selector",
    ),
    "a fact in a row": (
        "      selector: td.age",
        "      fact: age",
        "line 22: search.fields.date: fact is for detail pages",
    ),
    "a placeholder that is not known": (
        "{{ .Page }}",
        "{{ .Pages }}",
        "line 12: search.inputs.page: {{ .Pages }} cannot be filled in here",
    ),
    "a condition in a template": (
        "{{ .Keywords }}",
        "{{ if .Keywords }}x{{ end }}",
        "line 13: search.inputs.q: {{ if .Keywords }} cannot",
    ),
    "half a placeholder": ("{{ .Keywords }}", "{{ .Keywords", "line 13: search.inputs.q: has {{"),
    "a text from a field that is not read": (
        "      selector: a.name\n      attribute: href",
        '      text: "/t/{{ .Result.infohash }}"',
        "line 19: search.fields.details: {{ .Result.infohash }} is no field",
    ),
    "a link that is none": (
        "https://films.example/sub/",
        "films.example",
        "line 3: links[0]: 'films.example' is no address of the web",
    ),
    "a delay that is no number": (
        "id: my-site",
        "id: my-site\nrequestDelay: slow",
        "line 2: requestDelay: is no number",
    ),
    "a delay below zero": ("id: my-site", "id: my-site\nrequestDelay: -1", "line 2: requestDelay:"),
    "a flag that is none": (
        "numbered: true",
        "numbered: often",
        "line 28: next.numbered: is neither yes nor no",
    ),
    "an unknown charset": (
        "id: my-site",
        "id: my-site\nencoding: latin-99",
        "line 2: encoding: 'latin-99' is no charset",
    ),
    "categories that are missing": (
        "- {id: 7, cat: Movies, desc: Documentary}\n    - {id: no, cat: Books}",
        "[]",
        "line 4: caps: an address holds {{ .Category }}",
    ),
    "a list that is none": ("[https://films.example/sub/]", "x", "line 3: links: needs a list"),
    "both browse and paths": (
        "id: my-site",
        "id: my-site\nbrowse:\n  - path: /x",
        "line 1: needs the listings' addresses: either browse or search.paths",
    ),
    "numbered without numbers": (
        '    page: "{{ .Page }}"\n',
        "",
        "line 25: next: numbered needs {{ .Page }}",
    ),
    "a challenge without marks": (
        "id: my-site",
        "id: my-site\nchallenge: {contains: []}",
        "line 2: challenge.contains:",
    ),
    "facts that are missing": (
        "id: my-site",
        "id: my-site\ndetail: {fields: {size: {fact: size}}}",
        "line 2: detail: a field names a fact",
    ),
    "a download without a place": (
        "id: my-site",
        "id: my-site\ndownload: {infohash: /x.torrent}",
        "line 2: download.infohash: needs {{ .Infohash }}",
    ),
    "a key twice": ("name: My site", "id: again", "line 2: id: stands there already, in line 1"),
    "no YAML": ("links: [", "links: [[", "line 4: is no YAML"),
    "a tab": ("caps:", "\tcaps:", "line 4: is no YAML"),
    "an alias": ("id: my-site", "id: &a my-site", "line 1: uses an anchor or alias"),
    "a tag": ("id: my-site", "id: !!python/name:os.system x", "line 1: uses a tag"),
    "a key that is a list": (
        "id: my-site",
        "? [a]\n: b",
        "line 1: has a key that is no plain text",
    ),
    "a block that is a text": ("  inputs:", "  rows: x\n  inputs:", "line 15: rows: stands there"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_key(mistake: str) -> None:
    """Each kind of mistake names the file, the line, the key, and what would be right."""
    old, new, said = MISTAKES[mistake]
    assert GOOD.count(old) >= 1
    found = problems(GOOD.replace(old, new, 1))
    assert any(f"x.yaml, {said}" in problem for problem in found), found


def test_all_mistakes_are_told_at_once() -> None:
    """Two mistakes are two problems; the short text says that there is more."""
    broken = GOOD.replace("selector: table tr", "selector: '!'").replace("timeago", "ago")
    assert [problem.split(":")[0] for problem in problems(broken)] == [
        "x.yaml, line 15",
        "x.yaml, line 25",
    ]
    with pytest.raises(DefinitionError, match=r"\(1 more problem\)$"):
        read_definition(broken.encode(), file="x.yaml")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "line 1: needs keys and values"),
        (b"- a\n- b\n", "line 1: needs keys and values"),
        (b"id: a\nname: \xff\n", "line 2: has bytes that are not UTF-8"),
        (b"id: a\nname: \x00\n", "is no YAML"),
        (b"a: 1\n---\nb: 2\n", "is no YAML"),
        (b"[" * 5_000, "nested deeper"),
        (b"#" * 200_001, "larger than 200 kB"),
        (b"a: &a [x]\nb: &b [*a, *a, *a]\n", "anchor"),
    ],
    ids=["empty", "list", "bytes", "nul", "two documents", "deep", "large", "bomb"],
)
def test_what_is_no_plain_yaml_is_refused(raw: bytes, said: str) -> None:
    """Files that are no definition at all, or made to harm, end in one problem."""
    assert said in problems(raw)[0]


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_definition_reads(name: str) -> None:
    """The definitions that come with the program have no mistake, and their id is their name."""
    assert load_definition(name).id == name


def test_a_definition_is_found_by_name_or_path(tmp_path: Path) -> None:
    """A bare name is a shipped one; a path is relative to the folder that is given."""
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert load_definition("mine.yaml", folder=tmp_path).id == "my-site"
    assert load_definition(tmp_path / "mine.yaml").argument == str(tmp_path / "mine.yaml")
    assert load_definition("classic").argument == "classic"
    with pytest.raises(DefinitionError, match=r"no site definition 'mine'; shipped are academic"):
        load_definition("mine", folder=tmp_path)
    with pytest.raises(DefinitionError, match=r"cannot read the site definition no\.yaml: No such"):
        load_definition("no.yaml", folder=tmp_path)
    with pytest.raises(DefinitionError, match="cannot read the site definition"):
        load_definition("a\0.yaml", folder=tmp_path)
