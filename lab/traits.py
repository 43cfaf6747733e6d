"""What is wrong with a simulated DHT: the faults of the real one, each as a share. Pure.

Every default is 0: nothing is lost, late, false or forged. All faults are drawn from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from swarm.errors import WorldError

INVENTED_NETWORK = bytes((127, 251))
"""127.251.0.0/16: every invented peer is in it, and no planted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DhtTraits:
    """Shares are 0 to 1. `rtt_median_ms` is that of a log-normal distribution over the nodes.

    The entry for newcomers at 127.0.0.1 has none of the faults of nodes.
    """

    loss: float = 0.0  # of the exchanges: the answer does not come
    rtt_median_ms: float = 0.0  # each node has one round-trip time and keeps it
    rtt_sigma: float = 0.5  # standard deviation of its natural logarithm
    holder_misses: float = 0.0  # of a key's planted peers, each holder knows so many fewer
    liar_share: float = 0.0  # of the nodes: invent peers for any key; half keep the true ones too
    junk_share: float = 0.0  # of the contacts in answers: nobody is there
    rate_limited_share: float = 0.0  # of the nodes: one answer a second to each asker, burst 2
    malformed_share: float = 0.0  # of the answers: cut off or garbled
    wrong_transaction_share: float = 0.0  # of the answers
    oversized_share: float = 0.0  # of the answers: well-formed, but of more than 4,096 bytes
    spoofed_share: float = 0.0  # of the answers: a forged one, from another address, comes first
    omits_values_on_scrape: float = 0.0  # of the nodes: no `values` where scrape=1 (BEP 33)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = 1.0 if not field.name.startswith("rtt") else 60_000.0
            if not 0 <= value <= most:
                raise WorldError(f"{field.name} is 0 to {most:g}, got {value}")

    @property
    def impairs_packets(self) -> bool:
        """Whether anything befalls answers between node and asker."""
        return any(
            (
                self.loss, self.rtt_median_ms, self.malformed_share,
                self.wrong_transaction_share, self.oversized_share, self.spoofed_share,
            )
        )  # fmt: skip

    @property
    def corrupts_nodes(self) -> bool:
        """Whether any node says what is not so, or withholds what it knows."""
        return any(
            (
                self.liar_share, self.junk_share, self.rate_limited_share,
                self.omits_values_on_scrape,
            )
        )  # fmt: skip
