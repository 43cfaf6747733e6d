"""The config.txt that a world writes for itself, so that nothing else need know of labs."""

from __future__ import annotations

from pathlib import Path

from lab.facts import WorldFacts

_CONFIG = """\
# Written by the lab (a world on loopback, seed {seed}) each time it starts; changes are lost.
# It is no example for the real internet: see config.txt of the project for that.

# The lab's indexer site, which bears being asked without a pause.
root_url={root_url}
wait=0
wait-safe-cloudfare=10

# The lab's DHT. Its addresses are loopback ones, and it need not be spared.
dht_bootstrap={bootstrap}
allow_local_peers=yes
max_packets_per_s=0
processes=2
crawl_deadline_s=120

# Which city each network of 127.0.0.0/8 stands for, and whose it is.
geoip_city={geoip_city}
geoip_asn={geoip_asn}

# Nothing that is set for the real internet leads out of this world.
ignore_environment=yes
"""


def write_config(facts: WorldFacts, path: Path) -> None:
    """Write the file; a reader sees the old one or the new one whole."""
    text = _CONFIG.format(
        seed=facts.seed,
        root_url=facts.root_url,
        bootstrap=facts.bootstrap,
        geoip_city=facts.geoip_city,
        geoip_asn=facts.geoip_asn,
    )
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
