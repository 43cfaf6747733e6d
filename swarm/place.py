"""GeoPoint and the place of a peer, as a geolocation database tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# The country of a peer that no database knows. Shown, never dropped. "ZZ" is reserved by
# ISO 3166-1 and used by CLDR for "Unknown Region".
UNKNOWN_COUNTRY = "ZZ"


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """Degrees, WGS 84. (0, 0) is a place in the Gulf of Guinea, not "unknown"."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"no point on Earth: {self.latitude}, {self.longitude}")


@dataclass(frozen=True, slots=True)
class DatabaseBuild:
    """One database that said where peers are, and of which date; stands under every figure."""

    name: str  # e.g. "DB-IP City Lite"
    built_on: date | None
    attribution: str | None  # a sentence the licence demands, if any
    attribution_url: str | None


@dataclass(frozen=True, slots=True)
class Databases:
    """All that said where the peers of a run are."""

    places: DatabaseBuild
    networks: DatabaseBuild | None = None  # None: nobody was asked, in older runs and in imports
    hosting: DatabaseBuild | None = None  # what "likely hosting" rests on
