"""The names on the lab's torrents: works that may be shared freely, or that nobody made.

Creative Commons and public-domain films, recordings and books, free software and games, open data.
Only the names are real: the content is noise or zeros.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """A work's name, where the site files it, and into which files its content is cut."""

    name: str
    subcategory: str
    suffix: str
    parts: int = 1
    language: str = "English"

    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The files: one called like the work, or parts in folders of twelve."""
        if self.parts == 1:
            return ((f"{self.name}{self.suffix}",),)
        return tuple(
            (f"Disc {i // 12 + 1}", f"{i + 1:02d}{self.suffix}") for i in range(self.parts)
        )


TITLES: dict[str, tuple[Title, ...]] = {
    "TV": (
        Title("Pioneer One S01 720p CC BY-NC-SA", "HD", ".mkv", 6),
        Title("Public Domain Newsreels 1941-1945", "Documentary", ".mp4", 15),
        Title("Night Sky Lectures S02 CC BY 1080p", "Documentary", ".mkv", 8),
        Title("Cuentos del Faro T01 CC BY-SA 1080p", "HD", ".mkv", 5, "Spanish"),
        Title("Computer Chronicles 1983 archive selection", "SD", ".mp4", 10),
        Title("Allotment Year - A Gardening Series S01 CC0", "HD", ".mkv", 12),
    ),
    "Movies": (
        Title("Big Buck Bunny (2008) 2160p 60fps CC BY", "UHD", ".mp4"),
        Title("Sintel (2010) 2048x872 CC BY", "HD", ".mkv"),
        Title("Tears of Steel (2012) 4K CC BY", "UHD", ".mov"),
        Title("Night of the Living Dead (1968) public domain restored", "HD", ".mkv"),
        Title("The General (1926) Buster Keaton public domain", "HD", ".mp4"),
        Title("Das Cabinet des Dr. Caligari (1920) 1080p", "HD", ".mkv", 1, "German"),
    ),
    "Software": (
        Title("debian-13.2.0-amd64-netinst", "Linux", ".iso"),
        Title("FreeBSD-15.0-RELEASE-amd64-dvd1", "BSD", ".iso"),
        Title("LibreOffice 26.2 Linux x86-64 deb + language packs", "Linux", ".tar.gz", 4),
        Title("linuxmint-23-cinnamon-64bit", "Linux", ".iso"),
        Title("Blender 5.0 all platforms", "Graphics", ".tar.xz", 3),
        Title("Trisquel 12.0 netinst amd64", "Linux", ".iso"),
    ),
    "Music": (
        Title("Open Goldberg Variations CC0 FLAC", "Lossless", ".flac", 32),
        Title("Musopen Chopin Project FLAC public domain", "Lossless", ".flac", 14),
        Title("Brad Sucks - Out of It CC BY-SA", "MP3", ".mp3", 10),
        Title("Sea Shanties Field Recordings 1925-1931", "Lossless", ".flac", 18),
        Title("Netlabel Day 2026 Sampler CC BY", "MP3", ".mp3", 24),
        Title("Harmonies du Soir - Liszt CC0", "Lossless", ".flac", 5, "French"),
    ),
    "Games": (
        Title("0 A.D. Release 27 Linux", "Linux", ".AppImage"),
        Title("SuperTuxKart 1.5 all platforms", "PC", ".zip", 3),
        Title("Battle for Wesnoth 1.18 + add-ons", "PC", ".tar.xz", 4),
        Title("OpenTTD 15 with OpenGFX and OpenSFX", "PC", ".zip"),
        Title("Veloren airshipper bundle", "PC", ".zip"),
        Title("Freedoom Phase 1+2", "PC", ".zip", 2),
    ),
    "Anime": (
        Title("Morevna Episode 3 CC BY-SA 1080p", "Movie", ".mkv", 1, "Russian"),
        Title("Pepper&Carrot Motion Comic 01-06 CC BY", "Series", ".webm", 6, "French"),
        Title("Kumo to Chūrippu (1943) public domain", "Movie", ".mkv", 1, "Japanese"),
        Title("Namakura Gatana (1917) restored", "Movie", ".mp4", 1, "Japanese"),
        Title("Caminandes 1-3 CC BY 1080p", "Series", ".mp4", 3, "Spanish"),
        Title("Taro the Lighthouse Cat CC0 01-12", "Series", ".mkv", 12, "Japanese"),
    ),
    "Books": (
        Title("Standard Ebooks - Complete Library 2026-10", "Ebooks", ".epub", 20),
        Title("Jane Austen - Collected Works (public domain) EPUB", "Ebooks", ".epub", 7),
        Title("OpenStax Calculus Volumes 1-3 CC BY-NC-SA PDF", "Textbooks", ".pdf", 3),
        Title("LibriVox - Moby Dick audiobook", "Audiobooks", ".mp3", 36),
        Title("Die Verwandlung - Franz Kafka (gemeinfrei)", "Ebooks", ".epub", 1, "German"),
        Title("Encyclopaedia Britannica 11th ed. 1911 scans", "Reference", ".djvu", 29),
    ),
    "Other": (
        Title("OpenStreetMap Iceland extract 2026-10", "Data", ".osm.pbf"),
        Title("Natural Earth 5.1 vectors and rasters", "Data", ".zip", 3),
        Title("Wikipedia simple-English articles 2026-10-01", "Data", ".xml.bz2"),
        Title("Common Voice 22 Icelandic CC0", "Data", ".tar.gz", 1, "Icelandic"),
        Title("NASA Blue Marble Next Generation 2004", "Pictures", ".png", 12),
        Title("Rijksmuseum public-domain prints", "Pictures", ".tiff", 16, "Dutch"),
    ),
}
"""Six works of each category, in the site's order of categories."""
