"""Which site a scrape goes to: the definition that config.txt names, and the site's address."""

from __future__ import annotations

from dataclasses import dataclass, field

from scraper.addresses import Credentials, without_credentials
from scraper.definition import SiteDefinition
from scraper.definition_file import load_definition
from storage.workspace import Workspace
from swarm.settings import Settings


@dataclass(frozen=True, slots=True)
class ChosenSite:
    """A site and how it reads; `root_url` is "" where nothing names its address.

    What stands before the @ of an address is in `credentials`, and shown nowhere.
    """

    definition: SiteDefinition
    root_url: str
    credentials: Credentials | None = field(default=None, repr=False)

    @property
    def listings(self) -> int:
        """How many listings a scrape walks through: for most sites, its categories."""
        return len(self.definition.listings)


def choose_site(settings: Settings, workspace: Workspace) -> ChosenSite:
    """The site of `site` and `root_url`; an address in config.txt wins over the definition's own.

    Raises:
        DefinitionError: the definition is missing or does not read; names file, line and key.
    """
    definition = load_definition(settings.site, folder=workspace.root)
    address = settings.root_url or definition.root_url or ""
    return ChosenSite(definition, *without_credentials(address))
