"""Everything the project raises, in one tree.

SwarmError
├── MalformedMessage      bytes from the network do not follow the BEP they claim
├── MalformedTorrent      a .torrent file is refused; says why
├── SettingsError         config.txt or the environment; names file, line and key
├── SiteError             the indexer: no answer, an error status, nothing listed, a challenge
├── DefinitionError       a site definition does not read; names file, line and key
├── DhtUnreachable        no bootstrap node answered
├── GeolocationError      a geolocation database is missing or does not read
├── StorageError          a file of ours does not read or cannot be written; names it
├── JobRefused            the same job runs already, or there is nothing for it to do
├── JobCancelled          the user asked a running job to stop
└── WorldError            the lab cannot be built here, or is not running

The text of each is for a person: what was wrong, where, what to do next.
"""


class SwarmError(Exception):
    """Root of all errors that the project raises on purpose."""


class MalformedMessage(SwarmError):
    """Bytes from the network break the protocol. The only error remote bytes may cause."""


class MalformedTorrent(SwarmError):
    """A .torrent file is refused."""


class SettingsError(SwarmError):
    """config.txt or an environment variable holds an unknown key or a bad value."""


class SiteError(SwarmError):
    """The indexer site cannot give torrents; the text says what was tried and what to edit."""


class DefinitionError(SwarmError):
    """A site definition is missing or does not read; `args` has one text for each problem."""

    def __str__(self) -> str:
        n = len(self.args) - 1
        more = f" ({n} more problem{'s' if n > 1 else ''})" if n else ""
        return f"{self.args[0]}{more}"


class DhtUnreachable(SwarmError):
    """No DHT node answered at all."""


class GeolocationError(SwarmError):
    """A geolocation database is missing or broken."""


class StorageError(SwarmError):
    """A file of the workspace is unreadable, or cannot be written."""


class JobRefused(SwarmError):
    """A job cannot start now."""


class JobCancelled(SwarmError):
    """The user cancelled the job; what was collected so far is kept."""


class WorldError(SwarmError):
    """The lab's world cannot be built or reached."""
