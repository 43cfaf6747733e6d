"""libtorrent's `dht_get_peers` as a crawler, in a process of its own. Started by `rivals`.

Speaks JSON lines: takes a task, says that it is ready, takes "go", gives its result. libtorrent
never says that a lookup is over, so it is taken to be when it has been quiet for long enough.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import libtorrent

_BOOTSTRAP_DEADLINE_S = 30.0


def main() -> None:
    """Do one task."""
    task = json.loads(sys.stdin.readline())
    session = libtorrent.session(_settings(task["bootstrap"]))
    _await_bootstrap(session)
    # A first round of lookups fills its table; it is not measured.
    rule = (task["concurrency"], task["most_s"], task["quiet_s"])
    _crawl(session, task["warm_up"], *rule)
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    cpu_before = _cpu_s()
    found, seconds = _crawl(session, task["keys"], *rule)
    cpu_s = _cpu_s() - cpu_before
    print(json.dumps({"found": found, "seconds": seconds, "cpu_s": cpu_s}), flush=True)


def _settings(bootstrap: str) -> libtorrent.settings_pack:
    return {
        "listen_interfaces": "127.0.0.2:0",
        "enable_dht": True,
        "dht_bootstrap_nodes": bootstrap,
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_ignore_dark_internet": False,
        "dht_enforce_node_id": False,
        "dht_prefer_verified_node_ids": False,
        "dht_upload_rate_limit": 1_000_000_000,
        "dht_read_only": True,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_queue_size": 1_000_000,
        "alert_mask": libtorrent.alert_category.dht | libtorrent.alert_category.dht_operation,
    }


def _await_bootstrap(session: libtorrent.session) -> None:
    end = time.monotonic() + _BOOTSTRAP_DEADLINE_S
    while time.monotonic() < end:
        session.wait_for_alert(500)
        if any(isinstance(a, libtorrent.dht_bootstrap_alert) for a in session.pop_alerts()):
            return
    sys.exit("libtorrent found no way into the lab's DHT")


def _crawl(
    session: libtorrent.session, keys: list[str], concurrency: int, most_s: float, quiet_s: float
) -> tuple[dict[str, list[str]], float]:
    """All peers that it names, and the seconds until it named the last of them."""
    waiting = list(reversed(keys))
    began: dict[str, float] = {}
    heard: dict[str, float] = {}
    found: dict[str, set[str]] = {key: set() for key in keys}
    started = last_new = time.monotonic()
    while waiting or began:
        now = time.monotonic()
        over = [k for k, at in began.items() if now > min(at + most_s, heard[k] + quiet_s)]
        for key in over:
            del began[key]
        while waiting and len(began) < concurrency:
            key = waiting.pop()
            began[key] = now
            heard[key] = now + most_s
            session.dht_get_peers(libtorrent.sha1_hash(bytes.fromhex(key)))
        session.wait_for_alert(20)
        for alert in session.pop_alerts():
            if not isinstance(alert, libtorrent.dht_get_peers_reply_alert):
                continue
            key = str(alert.info_hash)
            peers = {f"{host}:{port}" for host, port in alert.peers()}
            if key not in found:
                continue
            heard[key] = time.monotonic()
            if not peers <= found[key]:
                found[key] |= peers
                last_new = heard[key]
    return {key: sorted(peers) for key, peers in found.items()}, last_new - started


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
