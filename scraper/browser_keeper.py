"""The process that owns the browser: passes one challenge, says what it earned, leaves nothing.

It runs as `python -m scraper.browser_keeper`, in a process group of its own. One line of JSON on
stdin is its errand, one line on stdout its answer. Its stdin stays open as long as the job lives:
when that ends, even by `kill -9` of the job, the keeper kills all that it started and itself. Where
the keeper is killed with it, the kernel kills what it started; the profile goes at the next start.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from scraper.browser import InstalledBrowser, private_driver
from scraper.browser_profiles import new_profile
from scraper.pages import is_challenge

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None)
_NAVIGATION = "return (performance.getEntriesByType('navigation')[0] || {}).responseStatus || 0"
# What challenges load themselves from; all other hosts stay unresolved.
_CHALLENGE_HOSTS = ("challenges.cloudflare.com",)
_POLL_S = 0.1
_WATCH_S = 0.5


def main() -> None:
    """Do the errand, answer, clean up. The answer has `error` or else `user_agent`, `cookies`."""
    answers = os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("r+b") as null:
        os.dup2(null.fileno(), 1)  # the browser inherits 1 and 2 and must not write into answers
        os.dup2(null.fileno(), 2)
    _adopt_orphans()
    errand = json.loads(sys.stdin.readline())
    profile = new_profile(Path(errand["cache_dir"]))
    subprocess.Popen = _Tethered  # type: ignore[misc] # what drives the browser starts it by this
    leave = _Leave(profile)
    threading.Thread(target=_watch_job, args=(os.getppid(), leave), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: leave())
    try:
        answer = _pass_challenge(errand, profile)
    except Exception as error:  # noqa: BLE001 - the task's edge: whatever it is becomes the answer
        answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0:1]}"[:300]}
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(answer), file=answers, flush=True)
    leave()


class _Leave:
    """Kills every descendant, removes the profile, ends the process; never returns.

    A second caller waits inside: it must not end the process in the middle of the first one's
    work. Reentrant, because SIGTERM may come in the very thread that is at it.
    """

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._lock = threading.RLock()

    def __call__(self) -> NoReturn:
        with self._lock:
            _kill_descendants()
            shutil.rmtree(self._profile, ignore_errors=True)
            os._exit(0)


def _watch_job(job_pid: int, leave: _Leave) -> None:
    """Leave when stdin ends, or when the job is no longer our parent."""
    end = threading.Thread(target=sys.stdin.read, daemon=True)
    end.start()
    while end.is_alive() and os.getppid() == job_pid:
        end.join(_WATCH_S)
    leave()


def _adopt_orphans() -> None:
    # Processes that Chromium detaches become our children instead of init's, so that we find them.
    with contextlib.suppress(AttributeError):  # no Linux: nothing to do it with
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Tethered(subprocess.Popen[Any]):
    """A process that the kernel kills when the keeper ends, be it by `kill -9` too.

    What it starts itself follows: Chromium's helpers end with the browser.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"preexec_fn": _tether(os.getpid())})


def _tether(keeper_pid: int) -> Callable[[], None]:
    def tether() -> None:
        with contextlib.suppress(AttributeError):
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper_pid:  # it ended before the tether was there
            os._exit(1)

    return tether


def _kill_descendants() -> None:
    """Kill until none is left; what is killed may have started another meanwhile."""
    deadline_s = time.monotonic() + 10
    while (found := descendants(os.getpid())) and time.monotonic() < deadline_s:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.01)


def descendants(pid: int) -> list[int]:
    """Children, grandchildren and so on of a process, by /proc; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(int(after_name[1]), []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _pass_challenge(errand: dict[str, Any], profile: Path) -> dict[str, Any]:
    driver = _start(errand, profile)
    driver.set_page_load_timeout(errand["load_timeout_s"])
    deadline_s = time.monotonic() + errand["wait_s"]
    # Headless Chromium names itself so in its user agent, and a headless browser is let in nowhere.
    own_name = str(driver.execute_script("return navigator.userAgent"))
    driver.execute_cdp_cmd(
        "Network.setUserAgentOverride", {"userAgent": own_name.replace("Headless", "")}
    )
    with _quiet_timeouts():
        driver.get(errand["url"])
    marks = [mark.encode() for mark in errand["marks"]]
    while not _is_through(driver, marks):
        if time.monotonic() > deadline_s:
            title = str(driver.title)[:80]
            return {"error": f"the page still says {title!r} after {errand['wait_s']:g} s"}
        time.sleep(_POLL_S)
    return {
        "user_agent": driver.execute_script("return navigator.userAgent"),
        "cookies": [
            {key: cookie.get(key) for key in ("name", "value", "domain", "path", "secure")}
            for cookie in driver.get_cookies()
        ],
    }


def _quiet_timeouts() -> contextlib.AbstractContextManager[None]:
    from selenium.common.exceptions import TimeoutException

    return contextlib.suppress(TimeoutException)  # what has loaded by then is looked at


def _is_through(driver: Any, marks: list[bytes]) -> bool:
    from selenium.common.exceptions import WebDriverException

    try:
        status = int(driver.execute_script(_NAVIGATION))
        source = str(driver.page_source).encode(errors="replace")
    except WebDriverException:
        return False  # between two pages
    still = is_challenge(status, {}, source) or any(mark in source for mark in marks)
    return status != 0 and not still


def _start(errand: dict[str, Any], profile: Path) -> Any:
    import undetected_chromedriver

    installed = InstalledBrowser(
        Path(errand["binary"]), Path(errand["driver"]), errand["major"], errand["driver_version"]
    )
    cache_dir = Path(errand["cache_dir"])
    copy = private_driver(installed, cache_dir)
    undetected_chromedriver.Patcher.data_path = str(copy.parent)
    return undetected_chromedriver.Chrome(
        options=_options(errand["host"], no_sandbox=errand["no_sandbox"], proxy=errand["proxy"]),
        headless=True,
        user_data_dir=str(profile),
        driver_executable_path=str(copy),
        browser_executable_path=str(installed.binary),
        version_main=installed.major,
        no_sandbox=errand["no_sandbox"],
    )


def _options(host: str, *, no_sandbox: bool, proxy: str) -> Any:
    from undetected_chromedriver import ChromeOptions

    class Options(ChromeOptions):  # type: ignore[misc]
        def add_argument(self, argument: str) -> None:
            # undetected-chromedriver adds it whatever it was told
            if no_sandbox or argument != "--no-sandbox":
                super().add_argument(argument)

    options = Options()
    options.page_load_strategy = "eager"
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--disable-gpu")
    options.add_argument("--disable-background-networking")
    options.add_argument("--disable-component-update")
    options.add_argument("--disable-sync")
    names = [host, *_CHALLENGE_HOSTS]
    if proxy:
        options.add_argument(f"--proxy-pac-url={_proxy_script(proxy, names)}")
        names.append(urlsplit(proxy).hostname or "")
    reachable = ", ".join(f"EXCLUDE {name}" for name in names)
    options.add_argument(f"--host-resolver-rules=MAP * ~NOTFOUND, {reachable}")
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.images": 2})
    return options


def _proxy_script(proxy: str, names: list[str]) -> str:
    """A proxy script that lets only these names through: behind a proxy nothing is resolved here.

    All others are sent to a proxy that does not exist.
    """
    parts = urlsplit(proxy)
    way = f"{'SOCKS5' if parts.scheme == 'socks5' else 'PROXY'} {parts.netloc}"
    script = (
        f"function FindProxyForURL(url, host) {{ return {json.dumps(names)}.indexOf(host) < 0 "
        f"? 'PROXY nowhere.invalid:1' : {json.dumps(way)}; }}"
    )
    encoded = base64.b64encode(script.encode()).decode()
    return f"data:application/x-ns-proxy-autoconfig;base64,{encoded}"


if __name__ == "__main__":
    main()
