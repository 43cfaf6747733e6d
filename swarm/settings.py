"""Settings: what a user may change, and how config.txt is read. Opens nothing itself.

config.txt is `key=value`, one a line; `#` starts a comment at the beginning of a line, and a value
may itself hold `=`. The keys of the classic tool keep their names and meaning. The environment
wins over the file: `SWARM_ATLAS_ROOT_URL=...` sets `root_url`; a file with `ignore_environment=yes`
counts alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from swarm.address_keeping import AddressKeeping
from swarm.errors import SettingsError

ENV_PREFIX = "SWARM_ATLAS_"

DATABASE_SCHEMES = ("postgresql://", "postgres://")

# Long-lived public entry points of the BitTorrent DHT.
PUBLIC_BOOTSTRAP = (
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "dht.libtorrent.org:25401",
)


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _keeping(value: object) -> object:
    """Take the words for yes and no that other settings take, and older runs' booleans."""
    said = str(value).lower()
    if said in ("true", "on", "1", "y", "t"):
        return AddressKeeping.YES
    if said in ("false", "off", "0", "n", "f"):
        return AddressKeeping.NO
    return said


KeepingSetting = Annotated[AddressKeeping, BeforeValidator(_keeping)]
_OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]


def check_host_and_port(text: str) -> None:
    """Raise ValueError where `text` is not HOST:PORT with a port of 1 to 65535."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT")


class Settings(BaseModel):
    """One reading of config.txt and the environment; frozen. Times are in seconds."""

    # Not pydantic-settings: `read_settings` merges file and environment itself, to name the line,
    # and that package costs each start more than all else of this module.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, validate_default=True
    )

    root_url: str = ""
    wait: float = Field(default=3.0, ge=0, le=3600)
    wait_challenge: float = Field(
        default=10.0,
        ge=0,
        le=600,
        validation_alias=AliasChoices("wait-safe-cloudfare", "wait-safe-cloudflare"),
    )
    selenium_in_docker: bool = False
    btdht_in_docker: bool = False
    browser: _OptionalPath = None
    driver: _OptionalPath = None
    dht_bootstrap: Annotated[tuple[str, ...], BeforeValidator(_comma_separated)] = PUBLIC_BOOTSTRAP
    processes: int = Field(default=0, ge=0, le=256)
    max_packets_per_s: float = Field(default=250.0, ge=0, allow_inf_nan=False)
    crawl_deadline_s: float = Field(default=1800.0, gt=0, allow_inf_nan=False)
    allow_local_peers: bool = False
    ask_trackers: bool = True
    announce_to_trackers: bool = False
    visit_peers: bool = False
    max_connections: int = Field(default=50, ge=1, le=2000)
    http_proxy: str = Field(default="", exclude=True)  # may hold a password: see database_url
    direct_crawl: bool = False
    obey_robots: bool = True
    site: str = "classic"
    # Addresses of feeds hold keys: see database_url.
    feeds: Annotated[tuple[str, ...], BeforeValidator(_comma_separated)] = Field(
        default=(), exclude=True
    )
    geoip_city: _OptionalPath = None
    geoip_asn: _OptionalPath = None
    maxmind_account_id: SecretStr = SecretStr("")
    maxmind_licence_key: SecretStr = SecretStr("")
    maxmind_url: str = "https://download.maxmind.com"
    dbip_url: str = "https://download.db-ip.com"
    store_addresses: KeepingSetting = AddressKeeping.NO
    trusted_hosts: Annotated[tuple[str, ...], BeforeValidator(_comma_separated)] = ()
    keep_raw_days: Annotated[float | None, BeforeValidator(_empty_is_none)] = Field(
        default=None, ge=0, le=36500, allow_inf_nan=False
    )
    # May hold a password, so no dump has it: neither a manifest nor a job's row.
    database_url: str = Field(default="", exclude=True, repr=False)
    ignore_environment: bool = False

    @property
    def announces(self) -> bool:
        """Whether trackers are asked for peers, and not for numbers alone."""
        return self.ask_trackers and self.announce_to_trackers

    @field_validator("root_url")
    @classmethod
    def _an_address_of_the_web(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc
        ):
            raise ValueError("must start with http:// or https:// and name a site")
        return value.rstrip("/")

    @field_validator("trusted_hosts")
    @classmethod
    def _names_of_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", name):
                raise ValueError(f"{name[:60]!r} is not the name of a host (no scheme, no port)")
        return tuple(name.lower() for name in value)

    @field_validator("maxmind_url", "dbip_url")
    @classmethod
    def _a_safe_address(cls, value: str) -> str:
        parts = urlsplit(value)
        near = parts.hostname in ("127.0.0.1", "::1", "localhost")
        # The licence key is sent there, so only to this machine without encryption.
        if not parts.hostname or (
            parts.scheme != "https" and not (near and parts.scheme == "http")
        ):
            raise ValueError("must start with https:// (http:// for this machine alone)")
        return value.rstrip("/")

    @field_validator("dht_bootstrap")
    @classmethod
    def _hosts_with_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            check_host_and_port(entry)
        return value

    @field_validator("database_url")
    @classmethod
    def _an_address_of_a_database(cls, value: str) -> str:
        if value and not value.startswith(DATABASE_SCHEMES):
            raise ValueError("must be postgresql://user:password@host:5432/database, or empty")
        return value


def _key_names() -> dict[str, str]:
    """Each key that may stand in config.txt, to the field that it sets."""
    names: dict[str, str] = {}
    for field, spec in Settings.model_fields.items():
        alias = spec.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [field]
        names |= {str(choice): field for choice in choices}
    return names


KEYS = _key_names()


def read_settings(text: str, *, file: str, environment: Mapping[str, str]) -> Settings:
    """Settings from the text of config.txt and from environment variables, which win.

    Args:
        text: the file's content; may be empty.
        file: how to name the file in an error.
        environment: usually `os.environ`; only names that start with SWARM_ATLAS_ count.

    Raises:
        SettingsError: a line is no key=value, a key is unknown or given twice, or a value is bad;
            names file, line and key.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in stripped.partition("="))
        where = f"{file}, line {number}"
        if not equals:
            raise SettingsError(f"{where}: {stripped[:60]!r} is not key=value")
        _take(key, value, where, values, origin)
    ignored = _is_yes(values.get("ignore_environment", ""))
    for name, value in sorted(environment.items()):
        if name.startswith(ENV_PREFIX) and not ignored:
            key = name.removeprefix(ENV_PREFIX).lower()
            field = KEYS.get(key, KEYS.get(key.replace("_", "-"), key))
            origin.pop(field, None)
            _take(field, value, f"environment variable {name}", values, origin, is_field=True)
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = KEYS.get(str(first["loc"][0]), str(first["loc"][0]))
        where = origin.get(field, file)
        is_secret = not Settings.model_fields[field].repr
        shown = "..." if is_secret else str(first["input"])[:80]
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{where}: {_shown(field)}={shown} is refused: {reason}") from None


def read_database_url(text: str, *, environment: Mapping[str, str]) -> str:
    """The one key that counts before any other: jobs, and how they failed, are kept there.

    So it is read even from a file whose other lines do not read.
    """
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    values = {key.strip(): value.strip() for key, _, value in pairs}
    written = values.get("database_url", "")
    if _is_yes(values.get("ignore_environment", "")):
        return written
    return environment.get(f"{ENV_PREFIX}DATABASE_URL", written)


def _is_yes(value: str) -> bool:
    return value.lower() in ("1", "yes", "true", "on")


def _take(
    key: str,
    value: str,
    where: str,
    values: dict[str, Any],
    origin: dict[str, str],
    *,
    is_field: bool = False,
) -> None:
    field = key if is_field and key in Settings.model_fields else KEYS.get(key)
    if field is None:
        raise SettingsError(f"{where}: unknown key {key[:60]!r}; known keys: {', '.join(KEYS)}")
    if field in origin:
        raise SettingsError(f"{where}: {key} was already set in {origin[field]}")
    values[field] = value
    origin[field] = where


def _shown(field: str) -> str:
    return next(key for key, name in KEYS.items() if name == field)
