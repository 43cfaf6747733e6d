"""The lab site's challenge: a small proof of work in JavaScript that earns a clearance cookie.

It imitates what stands in front of many sites: status 503, the title "Just a moment...", a script
that refuses automated browsers (`navigator.webdriver`), and a cookie that is worth something only
together with the user agent that earned it. Pure but for the secret drawn at creation.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

COOKIE_NAME = "lab_clearance"
VERIFY_PATH = "/lab-challenge/verify"
_WORK = 1 << 14  # one guess in this many is a proof: some 10 ms of JavaScript


class Challenge:
    """Issues puzzles, checks proofs, and knows the cookies that it gave.

    `lasts`: after so many admissions all cookies given so far lose their worth, once.
    """

    def __init__(self, *, lasts: int | None = None) -> None:
        self._secret = secrets.token_bytes(32)
        self._admissions_left = lasts
        self._lock = threading.Lock()

    def revoke(self) -> None:
        """Make every cookie given so far worthless."""
        self._secret = secrets.token_bytes(32)

    def puzzle(self) -> str:
        """A fresh puzzle: a random part and our signature on it, hexadecimal."""
        nonce = secrets.token_hex(8)
        return f"{nonce}-{self._sign('puzzle', nonce)}"

    def clearance(self, puzzle: str, proof: str, user_agent: str) -> str | None:
        """The cookie's value for a right proof of one of our puzzles, else None."""
        nonce, _, signature = puzzle.partition("-")
        if not hmac.compare_digest(signature.encode(), self._sign("puzzle", nonce).encode()):
            return None
        if not proof.isdecimal() or _fnv1a(f"{puzzle}:{proof}") % _WORK:
            return None
        return self._sign("clearance", user_agent)

    def admits(self, cookie: str | None, user_agent: str) -> bool:
        """Whether the cookie was given to this very user agent."""
        expected = self._sign("clearance", user_agent)
        known = cookie is not None and hmac.compare_digest(cookie.encode(), expected.encode())
        return known and not self._has_run_out()

    def _has_run_out(self) -> bool:
        """Count an admission; True, once, where it is one too many."""
        with self._lock:
            if self._admissions_left is None:
                return False
            self._admissions_left -= 1
            if self._admissions_left >= 0:
                return False
            self._admissions_left = None
        self.revoke()
        return True

    def _sign(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    def page(self) -> str:
        """The interstitial, with a fresh puzzle in it."""
        return _PAGE.format(puzzle=self.puzzle(), work=_WORK, verify=VERIFY_PATH)


def _fnv1a(text: str) -> int:
    """FNV-1a, 32 bits; what the page's script computes with Math.imul."""
    state = 0x811C9DC5
    for byte in text.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    return state


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Just a moment...</title>
<meta name="robots" content="noindex"><meta name="viewport" content="width=device-width">
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:18vh auto;max-width:34rem;padding:0 1rem;
color:#1d2733}}p{{color:#56616e}}</style></head>
<body><h1>Checking your browser</h1>
<p id="challenge-status">This takes a moment; the page continues by itself.</p>
<noscript><p>Please enable JavaScript to continue.</p></noscript>
<form id="challenge-form" data-puzzle="{puzzle}" hidden></form>
<script>
(function () {{
  "use strict";
  var status = document.getElementById("challenge-status");
  if (navigator.webdriver) {{
    status.textContent = "Automated browsers are not let in.";
    return;
  }}
  var puzzle = document.getElementById("challenge-form").dataset.puzzle;
  function fnv1a(text) {{
    var state = 0x811c9dc5;
    for (var i = 0; i < text.length; i++) {{
      state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0;
    }}
    return state;
  }}
  var proof = 0;
  while (fnv1a(puzzle + ":" + proof) % {work} !== 0) {{ proof++; }}
  fetch("{verify}", {{method: "POST", credentials: "same-origin", body: puzzle + ":" + proof}})
    .then(function (answer) {{ if (answer.ok) {{ location.reload(); }} }});
}})();
</script></body></html>
"""
