"""What each kind of job takes, and what it returns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from swarm.endpoint import Endpoint
from swarm.settings import KeepingSetting, check_host_and_port

InfohashText = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Arguments(BaseModel):
    """What a job takes: plain values, so that any worker on any machine can be handed them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScrapeArguments(Arguments):
    """Torrents to take in each of the eight categories; feeds to read beside those of config.txt.

    Addresses of feeds hold keys: hand them over as `unwritten`, so that no job's row has them.
    """

    per_category: int = Field(default=3, ge=1, le=10_000)
    feeds: tuple[str, ...] = ()


class CrawlTarget(Arguments):
    """One swarm to count: the DHT keys of its torrent and what is known of it."""

    infohash: str
    dht_keys: tuple[str, ...]
    name: str
    size_bytes: int | None = None
    category: str | None = None
    language: str | None = None
    private: bool = False  # BEP 27: only its own trackers may be asked
    # Announce addresses may hold a passkey, so no dump and no row of a job has them.
    trackers: tuple[str, ...] = Field(default=(), exclude=True, repr=False)


class FetchArguments(Arguments):
    """What to count; each `None` means: as config.txt says."""

    targets: tuple[CrawlTarget, ...] | None = None  # None: every collected torrent
    # Of what is collected, these alone.
    infohashes: Annotated[tuple[InfohashText, ...], Field(min_length=1)] | None = None
    bootstrap: tuple[str, ...] | None = None
    processes: int | None = Field(default=None, ge=1, le=256)
    max_packets_per_s: float | None = Field(default=None, ge=0)
    deadline_s: float | None = Field(default=None, gt=0)
    store_addresses: KeepingSetting | None = None
    canaries: tuple[str, ...] | None = None  # "infohash address:port"; None: as canaries.txt says
    # By infohash, the trackers of `targets`: hand them over as `unwritten`.
    trackers: dict[str, tuple[str, ...]] = Field(default_factory=dict, exclude=True, repr=False)
    resume: bool = True  # go on with the latest run, if it was killed while asking for the same

    @field_validator("bootstrap")
    @classmethod
    def _hosts_with_ports(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for entry in value or ():
            check_host_and_port(entry)
        return value


class PurgeArguments(Arguments):
    """Nothing to choose: every run goes, every torrent stays."""


class ImportArguments(Arguments):
    """A folder of the classic tool; `relocate` places its addresses anew."""

    folder: str
    relocate: bool = False


class ExportArguments(Arguments):
    """Where to write the classic form, and of which run (None: the latest)."""

    folder: str
    run_id: str | None = None


class DeleteArguments(Arguments):
    """The runs that go."""

    run_ids: tuple[str, ...] = Field(min_length=1)


class CompactArguments(Arguments):
    """The runs whose parts are to become few (None: all)."""

    run_ids: tuple[str, ...] | None = None


class MetadataArguments(Arguments):
    """Whose .torrent is wanted; each `None` means: as config.txt says."""

    inputs: tuple[str, ...] | None = None  # magnets, infohashes; None: every magnet kept
    peers: tuple[str, ...] = ()  # ADDRESS:PORT, asked for each of them
    bootstrap: tuple[str, ...] | None = None
    max_packets_per_s: float | None = Field(default=None, ge=0)
    deadline_s: float | None = Field(default=None, gt=0)

    @field_validator("peers")
    @classmethod
    def _addresses_with_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            Endpoint.parse(entry)
        return value

    @field_validator("bootstrap")
    @classmethod
    def _hosts_with_ports(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for entry in value or ():
            check_host_and_port(entry)
        return value


class MetadataRow(BaseModel):
    """What came of one magnet or infohash."""

    model_config = ConfigDict(frozen=True)

    input: str  # one line, at most 100 characters: the name it gives, else its infohash
    infohash: str | None  # 40 digits; None where it does not read
    outcome: str  # "fetched", "known", or why not: see docs/peers-and-magnets.md
    reason: str | None = None
    file_name: str | None = None  # in bulkTorrents/
    peers_known: int = 0
    peers_reached: int = 0


class SiteReport(BaseModel):
    """What one site or feed gave. `found` is the sum of kept, magnets, doubled and refused.

    `reasons` says of the refused how many for which reason; `error` why there is nothing, or why
    nothing more came: None where it was read to its end.
    """

    model_config = ConfigDict(frozen=True)

    site: str
    pages: int
    pages_not_read: int
    found: int
    kept: int
    magnets: int
    doubled: int
    refused: int
    reasons: dict[str, int] = Field(default_factory=dict)
    error: str | None = None

    @property
    def sentence(self) -> str:
        """The same in one line for a person."""
        said = f"{self.site}: {self.pages} pages read, {self.found} torrents found, "
        said += f"{self.kept} kept, {self.doubled} doubled, {self.refused} refused"
        if self.magnets:
            said += f", {self.magnets} only as magnets"
        if self.pages_not_read:
            said += f"; {self.pages_not_read} listings could not be read"
        why = "; ".join(f"{count} x {reason}" for reason, count in self.reasons.items())
        said = f"{said} ({why})" if why else said
        return f"{said}; {self.error}" if self.error else said


class Report(BaseModel):
    """What a job returns: one closing sentence and its figures."""

    model_config = ConfigDict(frozen=True)

    sentence: str
    run_id: str | None = None
    figures: dict[str, int | float] = Field(default_factory=dict)
    refused: list[str] = Field(default_factory=list)  # what was passed over, and why
    sites: list[SiteReport] = Field(default_factory=list)  # of a scrape: one per site and feed
    cancelled: bool = False  # the user stopped it; what it reports is what it had by then
    failed: bool = False  # `sentence` says why; what it reports is what it had by then
    outcomes: list[MetadataRow] = Field(default_factory=list)  # of a metadata job, one per input
