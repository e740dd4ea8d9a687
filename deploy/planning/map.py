"""The page's map: real coordinates, no tiles; locations that stay, open and close, and who lives
where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from deploy.planning.svg import Labels, element, label, picture, ticks

WIDTH: Final = 760.0
MARGIN: Final = 46.0
KM_A_DEGREE: Final = 111.195  # of latitude, on the mean sphere


class _Projection:
    """Longitude and latitude as they lie on paper: degrees of longitude shrink with the cosine."""

    def __init__(self, points: list[tuple[float, float]]) -> None:
        lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
        middle = (min(lats) + max(lats)) / 2
        self._narrow = math.cos(math.radians(middle))
        pad = max(0.02, 0.06 * (max(lats) - min(lats)))
        self.north, self.south = max(lats) + pad, min(lats) - pad
        self.west = min(lons) - pad / self._narrow
        self.east = max(lons) + pad / self._narrow
        wide = (self.east - self.west) * self._narrow
        self.degree = min(
            (WIDTH - 2 * MARGIN) / wide, (WIDTH - 2 * MARGIN) / (self.north - self.south)
        )
        self.left = (WIDTH - wide * self.degree) / 2
        self.height = (self.north - self.south) * self.degree + 2 * MARGIN

    def x(self, lon: float) -> float:
        return self.left + (lon - self.west) * self._narrow * self.degree

    def y(self, lat: float) -> float:
        return MARGIN + (self.north - lat) * self.degree

    def km(self, kilometres: float) -> float:
        return kilometres / KM_A_DEGREE * self.degree


def draw(found: Mapping[str, Any], option: Mapping[str, Any]) -> str:
    """The map of one option, as SVG."""
    sites = found["sites"]
    homes = [one for one in found["districts"] if one["lat"] is not None]
    at = _projection(found)
    labels = Labels(WIDTH, at.height)
    most = max((one["weight"] for one in homes), default=1.0)
    parts = [*_graticule(at), *_ways(at, homes, sites, option)]
    circles = [
        (at.x(one["lon"]), at.y(one["lat"]), 3 + 25 * math.sqrt(one["weight"] / most))
        for one in homes
    ]
    parts += [element("circle", cx=x, cy=y, r=r, class_="home") for x, y, r in circles]
    shown = [one for one in sites if one["open_today"] or one["code"] in option["keep"]]
    for one in shown:
        labels.block(at.x(one["lon"]), at.y(one["lat"]), 9)
    for one in shown:
        x, y = at.x(one["lon"]), at.y(one["lat"])
        parts.append(_site(x, y, one, option))
        kind = "kept" if one["code"] in option["keep"] else "closed"
        text = one["name"] + (" (closes)" if kind == "closed" else "")
        parts.append(
            labels.beside(x, y, text, gap=14, size=15, class_=f"name {kind}", font_weight=600)
        )
    for one, (x, y, r) in sorted(
        zip(homes, circles, strict=True), key=lambda pair: -float(pair[0]["weight"])
    ):
        parts.append(labels.beside(x, y, one["name"], gap=min(r, 9) + 3, size=11.5, class_="town"))
    parts += _scale(at)
    kept = ", ".join(one["name"] for one in sites if one["code"] in option["keep"])
    closed = ", ".join(one["name"] for one in sites if one["code"] in option["close"]) or "none"
    told = (
        f"Kept: {kept}. Closed: {closed}. Circles are people by district; a line leads from each "
        "to the nearest kept location. The same stands in the tables below."
    )
    return picture(
        "map",
        f"Map: {option['name']}",
        told,
        size=(WIDTH, at.height),
        parts=[part for part in parts if part],
    )


def height(found: Mapping[str, Any]) -> float:
    """How high the map is, in its own units, of which it is `WIDTH` wide."""
    return _projection(found).height


def _projection(found: Mapping[str, Any]) -> _Projection:
    homes = [one for one in found["districts"] if one["lat"] is not None]
    return _Projection([(one["lat"], one["lon"]) for one in [*found["sites"], *homes]])


def _graticule(at: _Projection) -> list[str]:
    parts = []
    for lon in ticks(at.west, at.east, 4):
        x = at.x(lon)
        parts.append(element("line", x1=x, y1=MARGIN, x2=x, y2=at.height - MARGIN, class_="grid"))
        parts.append(
            label(x, at.height - MARGIN + 16, f"{lon:g}° E", class_="tick", text_anchor="middle")
        )
    left, right = at.x(at.west), at.x(at.east)
    for lat in ticks(at.south, at.north, 4):
        y = at.y(lat)
        parts.append(element("line", x1=left, y1=y, x2=right, y2=y, class_="grid"))
        parts.append(label(left + 3, y - 4, f"{lat:g}° N", class_="tick"))
    return parts


def _ways(
    at: _Projection, homes: list[Any], sites: list[Any], option: Mapping[str, Any]
) -> list[str]:
    kept = [one for one in sites if one["code"] in option["keep"]]
    parts = []
    for home in homes:
        x, y = at.x(home["lon"]), at.y(home["lat"])
        near = min(kept, key=lambda one: math.hypot(at.x(one["lon"]) - x, at.y(one["lat"]) - y))
        parts.append(
            element("line", x1=x, y1=y, x2=at.x(near["lon"]), y2=at.y(near["lat"]), class_="way")
        )
    return parts


def _site(x: float, y: float, site: Mapping[str, Any], option: Mapping[str, Any]) -> str:
    """A square that stays, a diamond that opens, a cross that closes: the shape tells, not only
    the colour."""
    if site["code"] not in option["keep"]:
        return element("path", d=f"M{x - 8:.1f} {y - 8:.1f}l16 16m0 -16l-16 16", class_="cross")
    if site["open_today"]:
        return element("rect", x=x - 8, y=y - 8, width=16, height=16, rx=2, class_="stays")
    return element("path", d=f"M{x:.1f} {y - 11:.1f}l11 11l-11 11l-11 -11z", class_="opens")


def _scale(at: _Projection) -> list[str]:
    km = next(one for one in (50, 20, 10, 5, 2, 1) if at.km(one) < WIDTH / 4 or one == 1)
    x, y = at.x(at.east) - at.km(km) - 8, at.height - MARGIN - 12
    return [
        element("path", d=f"M{x:.1f} {y - 5:.1f}v5h{at.km(km):.1f}v-5", class_="scale"),
        label(x + at.km(km) / 2, y - 8, f"{km} km", class_="tick", text_anchor="middle"),
    ]
