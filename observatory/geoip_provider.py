"""Provider: whom `geoip update` gets databases from. The command line names it in its help."""

from __future__ import annotations

from enum import StrEnum


class Provider(StrEnum):
    """Whom an update gets databases from."""

    MAXMIND = "maxmind"
    DBIP = "dbip"
