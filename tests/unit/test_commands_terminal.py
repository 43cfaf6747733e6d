"""commands: what strangers wrote cannot steer the terminal."""

from __future__ import annotations

import pytest

from commands import terminal
from commands.terminal import complain, watch_job

HOSTILE = "film\x1b[2J\x1b]0;owned\x07\nCollected all [bold red]x[/] \u202e\x9b31m"


def test_names_cannot_steer_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escape sequences and line breaks of a torrent's name never reach the output."""
    monkeypatch.setattr(terminal.console, "_force_terminal", False)
    with watch_job(quiet=False) as watch:
        watch.report(HOSTILE, 1, 2, peers=1204)
    complain(HOSTILE)
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert len(text.splitlines()) == 1
        assert not set(text) & set("\x1b\x07\u202e\x9b")
        assert "[bold red]x[/]" in text
    assert "1/2 1,204 peers" in said.out
