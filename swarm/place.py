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
    """Which geolocation database placed the peers of a run; stands under every figure."""

    name: str  # e.g. "DB-IP City Lite"
    built_on: date | None
    attribution: str | None  # a sentence the licence demands, if any
    attribution_url: str | None
