"""The page's trade-off: how far citizens go against how many are late, a point for each choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deploy.planning.svg import Labels, element, label, picture, ticks

WIDTH: Final = 760.0
HEIGHT: Final = 440.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 20.0, 56.0


def unbeaten(options: Sequence[Mapping[str, Any]]) -> set[int]:
    """Which options no other beats in both late share and mean way."""
    points = [(one["figures"]["late"], one["figures"]["km"]) for one in options]
    return {
        row
        for row, (late, km) in enumerate(points)
        if not any(a <= late and b <= km and (a, b) != (late, km) for a, b in points)
    }


def draw(
    name: str,
    options: Sequence[Mapping[str, Any]],
    today: Mapping[str, Any],
    *,
    chosen: Mapping[str, Any] | None,
    bars: bool,
    tags: Sequence[str] | None = None,
) -> str:
    """The trade-off as SVG; `tags` name the points, without them their row numbers do. With `bars`
    each point has the paired interval of its difference from today."""
    every = [today, *options]
    kms: list[float] = [one["figures"]["km"] for one in every]
    reach: list[float] = [one["figures"]["late"] + (_half(one) if bars else 0) for one in every]
    pad = max(0.3, 0.08 * (max(kms) - min(kms)))
    low, high = max(0.0, min(kms) - pad), max(kms) + pad
    top = max(1.0, 1.1 * max(reach))

    def x(km: float) -> float:
        return LEFT + (km - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(late: float) -> float:
        return HEIGHT - BOTTOM - late / top * (HEIGHT - TOP - BOTTOM)

    parts = _axes(x, y, low, high, top)
    best = unbeaten(options)
    line = sorted((options[row]["figures"]["km"], options[row]["figures"]["late"]) for row in best)
    if len(line) > 1:
        path = "M" + "L".join(f"{x(km):.1f} {y(late):.1f}" for km, late in line)
        parts.append(element("path", d=path, class_="front"))
    labels = Labels(WIDTH, HEIGHT - BOTTOM)
    for one in every:
        labels.block(x(one["figures"]["km"]), y(one["figures"]["late"]), 6)
    late, km = today["figures"]["late"], today["figures"]["km"]
    parts.append(
        element("path", d=f"M{x(km):.1f} {y(late) - 9:.1f}l9 9l-9 9l-9 -9z", class_="today")
    )
    parts.append(
        labels.beside(x(km), y(late), "today", gap=12, size=15, class_="name", font_weight=600)
    )
    for row, one in enumerate(options):
        late, km = one["figures"]["late"], one["figures"]["km"]
        if bars and (half := _half(one)):
            bottom = y(max(0.0, late - half))
            parts.append(
                element("line", x1=x(km), y1=bottom, x2=x(km), y2=y(late + half), class_="bar")
            )
        kind = "unbeaten" if row in best else "beaten"
        parts.append(element("circle", cx=x(km), cy=y(late), r=6, class_=kind))
        if chosen is not None and one["keep"] == chosen["keep"]:
            parts.append(element("circle", cx=x(km), cy=y(late), r=11, class_="ring"))
        if row < 40 or row in best:
            parts.append(
                labels.beside(
                    x(km),
                    y(late),
                    str(row + 1) if tags is None else tags[row],
                    gap=8,
                    size=13,
                    class_="number",
                )
            )
    told = (
        f"{len(options)} choices of locations by mean way and late share. Today: "
        f"{today['figures']['km']:.1f} km and {today['figures']['late']:.1f} % late. All points "
        "stand in the table after the picture."
    )
    return picture(
        name,
        "Travel against late share",
        told,
        size=(WIDTH, HEIGHT),
        parts=[part for part in parts if part],
    )


def _half(one: Mapping[str, Any]) -> float:
    half = one["difference"]["late"][1]
    return 0.0 if half is None else float(half)


def _axes(x: Any, y: Any, low: float, high: float, top: float) -> list[str]:
    parts = []
    for km in ticks(low, high, 7):
        parts.append(element("line", x1=x(km), y1=TOP, x2=x(km), y2=HEIGHT - BOTTOM, class_="grid"))
        parts.append(
            label(x(km), HEIGHT - BOTTOM + 18, f"{km:g}", class_="tick", text_anchor="middle")
        )
    for late in ticks(0, top, 5):
        parts.append(
            element("line", x1=LEFT, y1=y(late), x2=WIDTH - RIGHT, y2=y(late), class_="grid")
        )
        parts.append(label(LEFT - 8, y(late) + 4, f"{late:g}", class_="tick", text_anchor="end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "mean way, km", text_anchor="middle")
    )
    parts.append(
        label(
            18,
            middle,
            "late share, %",
            text_anchor="middle",
            transform=f"rotate(-90 18 {middle:g})",
        )
    )
    return parts
