"""Likely hosting: does an address look like a server's rather than a home's?

Two signs, neither a proof: a word in the name of who announces the network, and the ranges that
the large clouds publish. Somebody may live behind such an address all the same, and servers stand
in networks whose names say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.addresses import AddressColumns
from analysis.ranges import AddressRanges, read_build_of
from swarm.place import DatabaseBuild

# What providers of servers call themselves, and large ones whose names do not say it, by what they
# announced in June 2026. `host` at either end of a word: HostPapa, GTHost.
_SIGNS = r"""(?xi)
    \bhost | host\b | hosting | hoster | cloud | \bservers?\b | data\ ?cent(er|re)s?\b | \bvps\b
  | \bdedicated\b | \bcolo(cation)?\b | \bcdn | \bidc\b
  | \b( akamai | alibaba | amazon | baidu | beget | choopa | clouvider | contabo | datacamp
      | digitalocean | equinix | fastly | first\ colo | g-core | gandi | godaddy | google
      | hetzner | hivelocity | i3d | infomaniak | internap | ionos | keyweb | leaseweb
      | link11 | linode | m247 | mevspace | microsoft | myloc | namecheap | netcup | nforce
      | online\ sas | oracle | ovh | packethub | performive | plusserver | psychz
      | quadranet | rackspace | reg\.ru | scaleway | selectel | serverius | sharktech
      | softlayer | strato | tencent | the\ constant\ company | timeweb | ucloud | upcloud
      | voxility | worldstream | xneelo | yandex | zenlayer )\b"""
# Providers of home lines that these would take along.
_NO_SIGNS = r"(?i)\b(afrihost|amazon\.com tech telecom|google fiber)\b"


def is_hosting_name(name: pl.Expr) -> pl.Expr:
    """Whether the name of a network says that servers stand there; null where there is no name."""
    return name.str.contains(_SIGNS) & ~name.str.contains(_NO_SIGNS)


@dataclass(frozen=True, slots=True)
class CloudRanges:
    """The ranges that clouds publish; of IPv6, every /64 of which they have any part."""

    build: DatabaseBuild
    ranges: AddressRanges

    @classmethod
    def read(cls, v4: Path, v6: Path) -> CloudRanges:
        """Read the two bundled files; raises as `AddressRanges.read` does."""
        return cls(read_build_of([v4, v6]), AddressRanges.read(v4, v6, rows=2))

    @property
    def source(self) -> DatabaseBuild:
        """What stands behind the word "likely hosting", with the date of the ranges."""
        name = f"words in the names of networks, and ranges of {self.build.name}"
        return DatabaseBuild(name, self.build.built_on, None, None)

    def hold(self, addresses: AddressColumns) -> npt.NDArray[np.bool_]:
        """Whether each address is in one of the ranges."""
        found: npt.NDArray[np.bool_] = self.ranges.find(addresses) == 1
        return found
