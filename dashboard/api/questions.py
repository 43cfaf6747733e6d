"""What may be asked of the API: query strings and bodies, checked. Also documents them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from analysis.cells import cell_number
from analysis.selection import Bounds, Selection
from analysis.swarm_list import SORTABLE
from analysis.tables import Binning
from dashboard.address_state import DEFAULT_BINNING, MOST_TEXT_CHARACTERS, MOST_VALUES
from observatory.jobs import InfohashText

_Text = Annotated[str, Field(max_length=MOST_TEXT_CHARACTERS)]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1; ZZ is unknown")]
SortKey = Literal["swarm", "name", "category", "size_mb", "peers", "estimate", "seeds", "ended_at"]
assert set(SortKey.__args__) == set(SORTABLE)  # type: ignore[attr-defined]


class Question(BaseModel):
    """A query string; what it does not know is an error, so that a slip does not go unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Question):
    """Takes no parameters."""


class Paged(Question):
    """A part of a long list."""

    offset: int = Field(0, ge=0, le=100_000_000, description="rows to pass over")
    limit: int = Field(100, ge=1, le=1_000, description="rows to return at most")


class Narrowed(Question):
    """What a run is narrowed to, as in the page's address bar."""

    country: list[_Country] = Field([], max_length=MOST_VALUES, description="any of these")
    category: list[_Text] = Field(
        [], max_length=MOST_VALUES, description="any of these; empty is the unknown"
    )
    binning: Binning = Field(DEFAULT_BINNING, description="how sizes are cut, for `bin`")
    bin: int | None = Field(None, description="a bin of the histogram, by its order")
    place: _Text | None = Field(None, description="the key of a place, as `places` gives it")
    swarm: int | None = Field(None, ge=0, description="a swarm's number within the run")

    @property
    def selection(self) -> Selection:
        """The same, as figures are narrowed by."""
        return Selection(
            countries=frozenset(self.country),
            categories=frozenset(self.category),
            size_bin=None if self.bin is None else (self.binning, self.bin),
            place=self.place,
            swarm=self.swarm,
        )


class OfRun(Narrowed):
    """One run, narrowed."""

    run: str | None = Field(
        None, pattern=r"^\d{8}-\d{6}-[0-9a-f]{4}$", description="left out: the latest run"
    )


class OfTorrents(OfRun, Paged):
    """The list of a run's torrents."""

    search: _Text = Field("", description="text in the name, or the infohash's beginning")
    sort: SortKey = "peers"
    descending: bool = True


class OfPlaces(OfRun):
    """Places of a run, on a grid or each by itself."""

    cell_deg: float | None = Field(
        None, ge=0.05, le=90, description="height of the grid's cells; has to divide 180"
    )
    bbox: str | None = Field(
        None,
        pattern=r"^-?\d+(\.\d+)?(,-?\d+(\.\d+)?){3}$",
        description="west,south,east,north in degrees; west > east spans the antimeridian",
    )

    @field_validator("cell_deg")
    @classmethod
    def _a_grid(cls, value: float | None) -> float | None:
        if value is not None:
            cell_number(value)
        return value

    @property
    def bounds(self) -> Bounds | None:
        """The box of `bbox`."""
        return None if self.bbox is None else Bounds(*(float(at) for at in self.bbox.split(",")))


class StartScrape(Question):
    """Collect new torrents."""

    kind: Literal["scrape"]
    per_category: int = Field(3, ge=1, le=10_000)


class StartFetch(Question):
    """Ask who shares the collected torrents, or some of them; how, config.txt says."""

    kind: Literal["fetch"]
    infohashes: list[InfohashText] | None = Field(
        None, min_length=1, max_length=1_000, description="of what is collected, these alone"
    )


class StartPurge(Question):
    """Delete every run; torrents stay. `confirm` has to be true."""

    kind: Literal["purge"]
    confirm: Literal[True]


class StartJob(Question):
    """Which job to start. What reads or writes folders of the server is not startable from afar."""

    job: Annotated[StartScrape | StartFetch | StartPurge, Field(discriminator="kind")]
