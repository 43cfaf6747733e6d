"""Build dashboard/assets/world-*.geojson, the outlines under the peer map, from world-atlas.

Run by hand, once per new edition of Natural Earth; the page needs only the result:

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    pip install "antimeridian>=0.4.9,<0.5"
    python scripts/build_world_outline.py package/countries-50m.json

Natural Earth is in the public domain, world-atlas is ISC. TopoJSON stitches polygons together
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


def main(source: Path) -> None:
    """Read countries-50m.json, write the outlines and the labels."""
    warnings.simplefilter("ignore", antimeridian.FixWindingWarning)
    topology = json.loads(source.read_text())
    arcs = decode_arcs(topology)
    outlines, labels = [], []
    for geometry in topology["objects"]["countries"]["geometries"]:
        outline = country_shape(arcs, geometry)
        shown = json.loads(to_geojson(outline))
        outlines.append({"type": "Feature", "properties": {}, "geometry": shown})
        labels.append(label(geometry["properties"]["name"], outline))
    write_collection(ASSETS / "world-outline.geojson", outlines)
    write_collection(ASSETS / "world-labels.geojson", labels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
