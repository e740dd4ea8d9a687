"""A what-if's answer as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from deploy.cli.what_if_way import way
from deploy.planning.tables import signed

Json = Mapping[str, Any]

SHORT: Final = (
    ("late", "late\n%"),
    ("vulnerable_late", "vulner-\nable %"),
    ("mean_days_late", "days\nlate"),
    ("km", "mean\nkm"),
    ("km_p90", "p90\nkm"),
    ("beyond_10_km", ">10 km\n%"),
    ("beyond_20_km", ">20 km\n%"),
    ("much_farther", "5 km\nmore %"),
    ("load", "load\n%"),
)


def told(found: Json) -> Iterator[RenderableType]:
    """The parts to print, in order: what it rests on, the choices, the best beside today."""
    question = found["question"]
    yield (
        f"[bold]Staff: {question['staff']}. Rooms: {question['rooms']}.[/] "
        f"Policy: {question['policy']}; {found['objective']['sentence']} is best."
    )
    for one in found["assumptions"][1:]:
        yield f"  {escape(one)}"
    for one in found["warnings"]:
        yield f"[bold yellow]{escape(one)}[/]"
    if found["travel"]:
        yield from _travel(found)
    if found["subsets"]:
        yield choices(
            f"Every set by the online rule ({found['runs']['quick_policy']}), "
            f"{question['quick_seeds']} seeds",
            [found["today_quick"], *found["subsets"]],
        )
    rows = [found["today"], *([found["today_grown"]] if found["today_grown"] else [])]
    yield choices(
        f"The full policy ({question['policy']}), {question['seeds']} seeds",
        [*rows, *found["options"]],
        named=_names(rows, question),
    )
    yield from beside(found, found["options"][0])
    if found.get("transition"):
        yield from way(found)


def choices(title: str, options: Sequence[Json], *, named: Sequence[str] = ("today",)) -> Table:
    """A line for each set of locations; the first are those of today, named."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    table.add_column("locations", overflow="fold")
    for _, head in SHORT:
        table.add_column(head, justify="right")
    for number, one in enumerate(options):
        name = f"[bold]{named[number]}[/]" if number < len(named) else " + ".join(one["keep"])
        cells = [f"{one['figures'][key]:.1f}" for key, _ in SHORT]
        if number < len(named):
            cells[7] = "–" if number == 0 else cells[7]
        table.add_row(name, *cells)
    return table


def beside(found: Json, best: Json) -> Iterator[RenderableType]:
    """The best beside today, figure by figure, then by place, competence and district."""
    today = found["today"]
    table = Table(
        title=f"{escape(best['name'])}: best of {len(found['options'])} by "
        f"{found['objective']['sentence']}"
        if len(found["options"]) > 1
        else escape(best["name"]),
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for head, justify in (
        ("", "left"),
        ("today", "right"),
        ("then", "right"),
        ("difference, paired 95 %", "right"),
    ):
        table.add_column(head, justify=justify)  # type: ignore[arg-type]
    for key, meant in found["figures"].items():
        name = f"{meant['name']}{', ' + meant['unit'] if meant['unit'] else ''}"
        if key == "worst_district_km" and best["worst_district"]:
            name += f" (then {escape(best['worst_district']['name'])})"
        mean, half = best["difference"][key]
        table.add_row(
            name,
            f"{today['figures'][key]:.1f}",
            f"{best['figures'][key]:.1f}",
            signed(mean, half),
        )
    table.add_row(
        "first sessions that can be held a week",
        f"{today['seats']:.0f}",
        f"{best['seats']:.0f}",
        signed(-best["seats_lost"], digits=0),
    )
    for key, name in (
        ("rides_a_week", "rides, DKK a week"),
        ("per_session", "a first session, DKK"),
    ):
        if best["cost"][key] is None:
            table.add_row(name, "not computed: no price given", "", "")
        else:
            now, then = today["cost"][key], best["cost"][key]
            table.add_row(name, f"{now:,.0f}", f"{then:,.0f}", signed(then - now, digits=0))
    yield table
    names = {site["code"]: site["name"] for site in found["sites"]}
    yield _pairs("Load by location, %", today["load"], best["load"], names)
    yield _pairs("Load by competence, %", today["competence_load"], best["competence_load"], {})
    yield _pairs("Mean way by district, km", today["district_km"], best["district_km"], {})


def _pairs(
    title: str, now: Mapping[str, float | None], then: Mapping[str, float | None], names: Json
) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("today", justify="right")
    table.add_column("then", justify="right")
    for key, value in now.items():
        table.add_row(escape(names.get(key, key)), _cell(value), _cell(then[key]))
    return table


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _names(rows: Sequence[Json], question: Json) -> list[str]:
    return ["today", f"today, plans {question['plans'] - 1:+.0%}"][: len(rows)]


def _travel(found: Json) -> Iterator[RenderableType]:
    travel = found["travel"]
    names = {site["code"]: site["name"] for site in found["sites"]}
    table = Table(
        title=f"By {travel['objective']}; the first is {travel['first']}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("locations", overflow="fold")
    table.add_column("km", justify="right")
    for one in travel["sets"]:
        table.add_row(escape(" + ".join(names[code] for code in one["keep"])), f"{one['km']:.2f}")
    yield table
