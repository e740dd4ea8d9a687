"""How far a citizen has to go: postcodes' centres, and metres by car from there to a location."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from typing import Final

from services.scheduling.capacity import Location
from services.scheduling.engine.online import Site

EARTH: Final = 6_371_000.0  # metres, mean radius
DETOUR: Final = 1.3  # a car's way against the great circle

Point = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""


@lru_cache(maxsize=1)
def postcodes() -> Mapping[str, Point]:
    """The centre of each Danish postcode that is known."""
    text = files(__package__).joinpath("postcodes.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {code: (float(lat), float(lon)) for code, lat, lon, _ in rows}


def great_circle(a: Point, b: Point) -> float:
    """Metres between two points along the surface (haversine)."""
    lat_a, lat_b = radians(a[0]), radians(b[0])
    east = sin(radians(b[1] - a[1]) / 2) ** 2
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * east
    return 2 * EARTH * asin(sqrt(min(1.0, half)))


def by_car(a: Point, b: Point) -> int:
    """Metres by car between two points, estimated."""
    return round(DETOUR * great_circle(a, b))


def nearest_first(
    postcode: str, locations: Iterable[Location], known: Mapping[str, Point]
) -> tuple[tuple[Site, ...], str]:
    """The locations as somebody from a postcode sees them, and a note where that is a guess.

    From an unknown postcode they are sorted by distance from their common centre, and no
    distance is given.
    """
    places = sorted(locations, key=lambda one: one.code)
    home = known.get(postcode)
    if home is not None:
        sites = [Site(p.code, p.name, by_car(home, (p.lat, p.lon))) for p in places]
        return tuple(sorted(sites, key=lambda one: (one.distance_m or 0, one.code))), ""
    if not places:
        return (), ""
    centre = (
        sum(place.lat for place in places) / len(places),
        sum(place.lon for place in places) / len(places),
    )
    places.sort(key=lambda one: (by_car(centre, (one.lat, one.lon)), one.code))
    note = " The distance is unknown: the postcode is not known, so the centre of all was used."
    return tuple(Site(place.code, place.name, None) for place in places), note
