"""The way to fewer locations as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from deploy.planning.page_way import destinations
from deploy.planning.tables import signed


def way(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The orders of closing, the least objective first, and the months of the first."""
    plan = found["transition"]
    names = {site["code"]: site["name"] for site in found["sites"]}
    figure = found["objective"]["figure"]
    orders = Table(
        title=f"Orders of closing by {plan['objective']}; {plan['orders_tried']} tried",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    orders.add_column("order")
    orders.add_column("sum", justify="right")
    more = [plan["worst"]] if plan["orders_tried"] > len(plan["orders"]) else []
    for one in [*plan["orders"], *more]:
        orders.add_row(escape(" → ".join(one["order"])), f"{one[figure]:.2f}")
    yield orders
    table = Table(
        title=f"Month by month ({plan['weeks']} weeks each, announced {plan['notice']} days "
        f"before, {plan['seeds']} seeds; in brackets: more than if nothing closed, paired 95 %)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for head in ("from", "closes"):
        table.add_column(head)
    for head in ("late %", "vulnerable %", "mean km", "moved", "of them late", "days later"):
        table.add_column(head, justify="right")
    table.add_column("to", overflow="fold")
    for month in plan["months"]:
        table.add_row(
            month["from"],
            escape(names.get(month["closes"], "–")),
            *(
                f"{month[key]:.1f} ({signed(*month[f'{key}_more'])})"
                for key in ("late", "vulnerable_late", "km")
            ),
            f"{month['moved']:.1f}",
            f"{month['moved_late']:.1f}",
            f"{month['moved_days']:.1f}" if month["moved"] else "–",
            escape(destinations(month, names)),
        )
    yield table
