"""The login page: one field, no Dash. Its text is fixed, so that no token is ever in a body.

The link that is printed at the first start has the token behind `#`, which browsers send to nobody;
the script puts it into the form.
"""

from __future__ import annotations

LOGIN_PATH = "/login"
SCRIPT_PATH = "/login.js"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in - Swarm Atlas</title>
<style>
:root {{ color-scheme: light dark; --page: #f2f5f9; --card: #fff; --edge: #6b7b8f; --text: #17212e;
  --accent: #0b5fd8; --on-accent: #fff; --bad: #a3161f; }}
@media (prefers-color-scheme: dark) {{ :root {{ --page: #0f1822; --card: #16202c; --edge: #63788f;
  --text: #dce6f2; --accent: #62a8ff; --on-accent: #0b121a; --bad: #ffb3b3; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }}
main {{ width: min(430px, 100%); padding: 28px; border-radius: 11px; background: var(--card); }}
h1 {{ margin: 0 0 8px; font-size: 22px; }}
p {{ margin: 0 0 16px; }}
label {{ display: block; font-weight: 600; }}
input {{ width: 100%; margin: 4px 0 16px; padding: 9px; font: inherit; color: inherit;
  background: var(--page); border: 1px solid var(--edge); border-radius: 8px; }}
button {{ padding: 9px 18px; border: 0; border-radius: 8px; font: inherit; font-weight: 600;
  background: var(--accent); color: var(--on-accent); cursor: pointer; }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
[role=alert]:not(:empty) {{ color: var(--bad); font-weight: 600; }}
</style>
</head>
<body>
<main>
<h1>Swarm Atlas</h1>
<p>This page is open to other machines, so it asks for its token. It was shown in the terminal
at the first start, and lies in <code>runs/access.token</code> of the workspace.</p>
<form method="post" id="login">
<p role="alert">{said}</p>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button>
</form>
</main>
<script src="{script}"></script>
</body>
</html>
"""
_SCRIPT = """const token = window.location.hash.slice(1);
if (token) {
  history.replaceState(null, "", window.location.pathname + window.location.search);
  document.getElementById("token").value = token;
  document.getElementById("login").submit();
}
"""


def login_page(said: str) -> str:
    """The page; `said` is a sentence of ours about the attempt before, or empty."""
    return _PAGE.format(said=said, script=SCRIPT_PATH)


def login_script() -> str:
    """What logs in whoever comes by the printed link."""
    return _SCRIPT
