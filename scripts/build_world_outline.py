"""Build dashboard/assets/world-*.geojson, the outlines under the peer map, from world-atlas.

Run by hand, once per new edition of Natural Earth; the page needs only the result:

    npm install --prefix OUTLINES world-atlas@2.0.2 world-countries@5.1.0
    pip install "antimeridian>=0.4.9,<0.5"
    python scripts/build_world_outline.py OUTLINES/node_modules

Natural Earth is in the public domain, world-atlas is ISC; world-countries (ODbL) only tells which
ISO 3166-1 number is which alpha-2 code. TopoJSON stitches polygons together
over the 180th meridian; a map library then draws a streak around the world through Russia, Fiji
and Antarctica. So every ring is cut there again.
"""

from __future__ import annotations

import json
import sys
import warnings
from itertools import accumulate
from pathlib import Path
from typing import Any

import antimeridian
from shapely import MultiPolygon, Polygon, get_coordinates, set_coordinates, to_geojson
from shapely.geometry import shape

ASSETS = Path(__file__).resolve().parent.parent / "dashboard" / "assets"
DECIMALS = 2  # 1.1 km; the source is quantised to 0.4 km
SMALLEST_ISLAND_DEG2 = 0.0005  # about 6 km2 on the equator: less than a pixel at any zoom we allow

Point = tuple[float, float]


def decode_arcs(topology: dict[str, Any]) -> list[list[Point]]:
    """Undo TopoJSON's delta coding and quantisation: arcs in degrees."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        walked = accumulate(arc, lambda at, step: (at[0] + step[0], at[1] + step[1]))
        arcs.append([(x * sx + tx, y * sy + ty) for x, y in walked])
    return arcs


def ring(arcs: list[list[Point]], indices: list[int]) -> list[Point]:
    """Join arcs into a closed ring; ~i means arc i backwards (TopoJSON 2.1.4)."""
    points: list[Point] = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points.extend(arc[1:] if points else arc)
    return points


def country_shape(arcs: list[list[Point]], geometry: dict[str, Any]) -> Polygon | MultiPolygon:
    """One country, cut at the antimeridian, without islands too small to be seen."""
    coded = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    polygons = [[ring(arcs, indices) for indices in polygon] for polygon in coded]
    whole = shape({"type": "MultiPolygon", "coordinates": polygons})
    cut = antimeridian.fix_multi_polygon(whole)
    parts = list(cut.geoms) if isinstance(cut, MultiPolygon) else [cut]
    largest = max(parts, key=lambda part: part.area)
    seen = [part for part in parts if part is largest or part.area > SMALLEST_ISLAND_DEG2]
    return set_coordinates(MultiPolygon(seen), get_coordinates(MultiPolygon(seen)).round(DECIMALS))


def label(name: str, outline: MultiPolygon) -> dict[str, Any]:
    """The name, at a point inside the largest part; `area` decides who yields to whom."""
    at = max(outline.geoms, key=lambda part: part.area).representative_point()
    return {
        "type": "Feature",
        "properties": {"name": name, "area": round(outline.area, 1)},
        "geometry": {"type": "Point", "coordinates": [round(at.x, 2), round(at.y, 2)]},
    }


def write_collection(path: Path, features: list[dict[str, Any]]) -> None:
    """Write features as compact GeoJSON."""
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{path.name}: {len(features)} features, {path.stat().st_size:,} bytes")


def alpha2_codes(countries: list[dict[str, Any]]) -> dict[str, str]:
    """ISO 3166-1 alpha-2 by number; Kosovo has no number, and world-atlas gives it none."""
    return {country["ccn3"]: country["cca2"] for country in countries if country["ccn3"]}


def outline_feature(code: str | None, outline: MultiPolygon) -> dict[str, Any]:
    """A country's outline; its `iso2` is what a layer of countries is coloured by."""
    shown = json.loads(to_geojson(outline))
    properties = {} if code is None else {"iso2": code}
    return {"type": "Feature", "properties": properties, "geometry": shown}


def main(modules: Path) -> None:
    """Read both packages, write the outlines and the labels."""
    warnings.simplefilter("ignore", antimeridian.FixWindingWarning)
    topology = json.loads((modules / "world-atlas/countries-50m.json").read_text())
    codes = alpha2_codes(json.loads((modules / "world-countries/countries.json").read_text()))
    codes |= {"Kosovo": "XK"}
    arcs = decode_arcs(topology)
    drawn = [
        (geometry, country_shape(arcs, geometry))
        for geometry in topology["objects"]["countries"]["geometries"]
    ]
    outlines, labels, coloured = [], [], set()
    for geometry, outline in sorted(drawn, key=lambda pair: -pair[1].area):
        name = geometry["properties"]["name"]
        code = codes.get(geometry.get("id", name))
        # Australia's number is that of its reefs too: a code stands once, on the largest outline.
        outlines.append(outline_feature(None if code in coloured else code, outline))
        coloured.add(code)
        labels.append(label(name, outline))
    write_collection(ASSETS / "world-outline.geojson", outlines)
    write_collection(ASSETS / "world-labels.geojson", labels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
