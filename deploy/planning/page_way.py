"""The page's part on the way there, and on travel alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from deploy.planning.tables import WIDE, row, signed

Json = Mapping[str, Any]


def transition(found: Json) -> Iterable[str]:
    """The order of closing and its months; nothing where none was asked for."""
    plan = found.get("transition")
    if not plan:
        return
    names = {site["code"]: site["name"] for site in found["sites"]}
    yield (
        f"<h2>The way there, month by month</h2><p>Of {plan['orders_tried']} orders of closing the "
        f"one of {escape(plan['objective'])}: "
        f"<strong>{escape(', then '.join(names[one] for one in plan['orders'][0]['order']))}"
        "</strong>.</p>"
    )
    heads = (
        "closes",
        "late, %",
        "late, vulnerable, %",
        "mean km",
        "bookings moved",
        "of them late",
        "days later, mean",
        "to",
    )
    cells = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    yield (
        f"{WIDE}<table><caption><span>Months of {plan['weeks']} weeks; each closing announced "
        f"{plan['notice']} days before; {plan['seeds']} seeds; in brackets how much more than if "
        "nothing closed, with the paired 95 % interval.</span></caption><thead><tr>"
        f'<th scope="col" class="text">from</th>{cells}</tr></thead><tbody>'
    )
    for month in plan["months"]:
        yield row(
            month["from"],
            names.get(month["closes"], "–"),
            *(
                f"{month[key]:.1f} ({signed(*month[f'{key}_more'])})"
                for key in ("late", "vulnerable_late", "km")
            ),
            f"{month['moved']:.1f}",
            f"{month['moved_late']:.1f}",
            f"{month['moved_days']:.1f}" if month["moved"] else "–",
            destinations(month, names),
        )
    yield "</tbody></table></div>"


def destinations(month: Json, names: Mapping[str, str]) -> str:
    """Where the bookings that move go, by mean number; a dash where none does."""
    told = sorted(month["moved_to"].items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{names[code]} {number:.1f}" for code, number in told) or "–"


def travel(found: Json) -> Iterable[str]:
    """The p-median's ranking; nothing where there was none."""
    ranked = found["travel"]
    if not ranked:
        return
    names = {site["code"]: site["name"] for site in found["sites"]}
    yield (
        f"<h2>By travel alone</h2>{WIDE}<table><caption><span>Ranked by "
        f"{escape(ranked['objective'])}. The first is {escape(ranked['first'])}."
        '</span></caption><thead><tr><th scope="col" class="text">locations that stay</th>'
        '<th scope="col">km</th></tr></thead><tbody>'
    )
    for one in ranked["sets"]:
        yield row(" + ".join(names[code] for code in one["keep"]), f"{one['km']:.2f}")
    yield "</tbody></table></div>"
