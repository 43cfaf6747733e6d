"""From sightings to knowledge: places, countries, pseudonyms, counts, figures. Sends no packet.

What is named here is for notebooks (docs/analysis.md): functions on frames with the columns of
`swarm.columns`. `observatory.snapshots` opens runs for them.
"""

from analysis.breakdowns import (
    categories_table,
    hosting_table,
    networks_table,
    sources_table,
    swarms_table,
)
from analysis.cells import cell_deg_at, cells_table, country_level_table
from analysis.churn import churn_table
from analysis.concentration import Concentration, concentration, gini, top_share
from analysis.life import life_table
from analysis.overlap import overlap_table
from analysis.raw_tables import raw_tables
from analysis.representation import over_representation
from analysis.seeding import seeding_by_category, seeding_table
from analysis.snapshot import Snapshot
from analysis.suppression import Disclosure, suppress
from analysis.tables import Binning, SizeBins, countries_table, histogram_table, key_numbers

__all__ = [
    "Binning",
    "Concentration",
    "Disclosure",
    "SizeBins",
    "Snapshot",
    "categories_table",
    "cell_deg_at",
    "cells_table",
    "churn_table",
    "concentration",
    "countries_table",
    "country_level_table",
    "gini",
    "histogram_table",
    "hosting_table",
    "key_numbers",
    "life_table",
    "networks_table",
    "over_representation",
    "overlap_table",
    "raw_tables",
    "seeding_by_category",
    "seeding_table",
    "sources_table",
    "suppress",
    "swarms_table",
    "top_share",
]
