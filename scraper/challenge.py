"""Passes a challenge page with a real browser, once, and brings back what it earned.

The browser lives in a keeper process (`scraper.browser_keeper`) with a process group of its own;
this module starts it, waits with a deadline, and sees to it that nothing is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scraper.answers import BrowserCookie
from scraper.browser import BrowserPlan, find_browser
from swarm.errors import SiteError

# Starting Chromium and its driver takes about 3 s here, and far longer on a busy small machine.
_START_S = 60.0
_END_S = 15.0
# What Chromium asks directly whatever it is told: loopback and link-local.
_BYPASSED = re.compile(r"localhost|.*\.localhost|127\..*|169\.254\..*|.*:.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clearance:
    """What a passed challenge is worth: cookies, valid with this user agent only."""

    user_agent: str
    cookies: tuple[BrowserCookie, ...]


async def pass_challenge(
    url: str,
    *,
    wait_s: float,
    plan: BrowserPlan,
    marks: Sequence[str] = (),
    proxy: str = "",
) -> Clearance:
    """Open the address in a real browser and wait until the challenge is gone.

    Args:
        url: a page that showed a challenge.
        wait_s: how long the challenge may take once the browser is there, seconds.
        plan: which browser.
        marks: what else in a page says that it is still the challenge.
        proxy: http:// or socks5:// address that the browser goes through; "" for none.

    Raises:
        SiteError: no browser, one that cannot use this proxy, or the challenge is still there after
            `wait_s`.
    """
    errand = await asyncio.to_thread(_errand, url, wait_s, plan)
    errand |= {"marks": list(marks), "proxy": _browser_proxy(proxy, errand["host"])}
    keeper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scraper.browser_keeper"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=os.environ | {"PYTHONPATH": _python_path()},
        start_new_session=True,
    )
    try:
        answer = await _ask(keeper, errand, deadline_s=_START_S + wait_s)
    finally:
        await asyncio.shield(_end(keeper))
    if "error" in answer:
        raise SiteError(
            f"{url} shows a challenge page that the browser did not pass: {answer['error']}. "
            "Allow more seconds in config.txt (wait-safe-cloudfare), or name another site there "
            "(root_url)."
        )
    cookies = tuple(
        BrowserCookie(c["name"], c["value"], c["domain"], c["path"], bool(c["secure"]))
        for c in answer["cookies"]
    )
    return Clearance(answer["user_agent"], cookies)


def _browser_proxy(proxy: str, host: str) -> str:
    """The proxy as the browser can be given it; "" for none.

    Raises:
        SiteError: it wants a user name or password, which Chromium cannot be given; or the site is
            on this machine, where Chromium always goes around proxies.
    """
    if not proxy:
        return ""
    parts = urlsplit(proxy)
    if _BYPASSED.fullmatch(host):
        raise SiteError(
            f"The site wants to see a real browser, and a browser reaches {host} only around "
            "http_proxy of config.txt. Leave http_proxy empty for a site on this machine."
        )
    if "@" in parts.netloc:
        raise SiteError(
            "The site wants to see a real browser, and http_proxy in config.txt has a user name, "
            "which the browser cannot hand over. Name a proxy without one; nothing goes around it."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _errand(url: str, wait_s: float, plan: BrowserPlan) -> dict[str, Any]:
    host = urlsplit(url).hostname or ""
    if not re.fullmatch(r"[\w.:-]+", host, re.ASCII):  # it becomes part of a browser option
        raise SiteError(f"{url[:200]} has a host name that no browser can be sent to.")
    installed = find_browser(plan)
    plan.cache_dir.mkdir(parents=True, exist_ok=True)
    return {
        "url": url,
        "host": host,
        "wait_s": wait_s,
        "load_timeout_s": max(wait_s, 1.0),
        "binary": str(installed.binary),
        "driver": str(installed.driver),
        "major": installed.major,
        "driver_version": installed.driver_version,
        "cache_dir": str(plan.cache_dir),
        "no_sandbox": plan.no_sandbox,
    }


async def _ask(keeper: Process, errand: dict[str, Any], *, deadline_s: float) -> dict[str, Any]:
    assert keeper.stdin is not None  # both were asked for as pipes
    assert keeper.stdout is not None
    try:
        async with asyncio.timeout(deadline_s):
            keeper.stdin.write(json.dumps(errand).encode() + b"\n")
            await keeper.stdin.drain()
            line = await keeper.stdout.readline()
    except TimeoutError:
        return {"error": f"the browser said nothing within {deadline_s:g} s"}
    except (ConnectionError, ValueError):
        line = b""
    if not line:
        return {"error": "the browser ended before it said anything"}
    answer: dict[str, Any] = json.loads(line)
    return answer


async def _end(keeper: Process) -> None:
    """Let the keeper clean up; where it does not, or was killed itself, kill its whole group."""
    assert keeper.stdin is not None
    keeper.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            await keeper.wait()
    if keeper.returncode != 0:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(keeper.pid, signal.SIGKILL)
        await keeper.wait()


def _python_path() -> str:
    """The project's root first, so that the keeper finds this package from any directory."""
    root = str(Path(__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return f"{root}{os.pathsep}{inherited}" if inherited else root
