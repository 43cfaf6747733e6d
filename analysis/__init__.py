"""From sightings to knowledge: places, countries, pseudonyms, counts, figures. Sends no packet."""
