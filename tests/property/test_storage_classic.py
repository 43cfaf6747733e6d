"""storage.classic: no name, however made, leaves its folder."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.classic import safe_name


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=400))
def test_safe_names_are_plain_file_names(name: str) -> None:
    """One path component, visible, writable as UTF-8, short enough, ending in .json."""
    safe = safe_name(name)
    assert "/" not in safe
    assert "\0" not in safe
    assert not safe.startswith(".")
    assert safe.endswith(".json")
    assert len(safe.encode()) <= 230


@given(st.text(max_size=400))
def test_a_safe_name_is_safe_already(name: str) -> None:
    """Making a name safe again changes nothing: an export has the names it is read back by."""
    assert safe_name(safe_name(name)) == safe_name(name)
