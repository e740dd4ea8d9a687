"""A what-if's answer as one self-contained page: map, trade-off, and the same as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, Final

from deploy.planning import map as map_
from deploy.planning import tradeoff
from deploy.planning.page_way import transition, travel
from deploy.planning.tables import PICTURE, WIDE, number, row, signed

Json = Mapping[str, Any]

COLUMNS: Final = (
    ("late", "late, %"),
    ("vulnerable_late", "late, vulnerable, %"),
    ("mean_days_late", "days late"),
    ("km", "mean km"),
    ("km_p90", "nine of ten within, km"),
    ("beyond_10_km", "beyond 10 km, %"),
    ("beyond_20_km", "beyond 20 km, %"),
    ("much_farther", "over 5 km more, %"),
    ("load", "load, %"),
)


def page(found: Json, command: str) -> str:
    """The whole page; `command` is what made it."""
    best = found["options"][0]
    title = title_of(found, best)
    style = files("deploy.planning").joinpath("page.css").read_text(encoding="utf-8")
    body = [*_head(found, best, title), "<main>", *_cards(found, best), *_map(found, best)]
    body += [*_tradeoff(found, best), *_beside(found, best), *_parts(found, best)]
    body += [*transition(found), *travel(found), *_rests(found), "</main>", _foot(found, command)]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        + "\n".join(body)
        + "</body></html>\n"
    )


def title_of(found: Json, best: Json) -> str:
    """What the page is about, in one line."""
    before = sum(1 for site in found["sites"] if site["open_today"])
    after = len(best["keep"])
    if before == after:
        return f"What if: {best['name']}"
    return f"From {before} locations to {after}: what it would mean"


def _head(found: Json, best: Json, title: str) -> Iterable[str]:
    question = found["question"]
    yield f"<header><h1>{escape(title)}</h1>"
    among = (
        f"Of {len(found['options'])} choices simulated in full, {found['objective']['sentence']} "
        f"is that of <strong>{escape(best['name'])}</strong>."
        if len(found["options"]) > 1
        else f"<strong>{escape(best['name'])}</strong>."
    )
    plans = "" if question["plans"] == 1 else f" Plans: {question['plans'] - 1:+.0%}."
    yield (
        f'<p class="lead">{among} Staff of a location that closes: '
        f"<strong>{escape(question['staff'])}</strong>. Rooms: "
        f"<strong>{escape(question['rooms'])}</strong>.{plans}</p>"
    )
    for one in found["warnings"]:
        yield f'<p class="warn">{escape(one)}</p>'
    yield "</header>"


def _cards(found: Json, best: Json) -> Iterable[str]:
    today = found["today"]
    yield '<ul class="cards" aria-label="The main figures beside today">'
    for key, name, unit in (
        ("late", "late", " %"),
        ("vulnerable_late", "late, the vulnerable", " %"),
        ("km", "mean way", " km"),
        ("km_p90", "nine of ten within", " km"),
        ("much_farther", "over 5 km more than today", " %"),
        ("load", "load", " %"),
    ):
        mean, half = best["difference"][key]
        yield (
            f"<li><b>{best['figures'][key]:.1f}{unit}</b>{escape(name)}<br>"
            f"<span>today {today['figures'][key]:.1f}{unit} ({signed(mean, half)})</span></li>"
        )
    yield "</ul>"


def _map(found: Json, best: Json) -> Iterable[str]:
    yield "<h2>Where</h2><figure>"
    yield PICTURE + map_.draw(found, best) + "</div>"
    yield (
        "<figcaption>Squares stay, crosses close"
        + (", diamonds open" if best["open"] else "")
        + ". Circles: where those live who come (area by number). Lines: the nearest kept "
        "location, which is not always where there is a time inside the limit.</figcaption>"
        "</figure>"
    )


def _tradeoff(found: Json, best: Json) -> Iterable[str]:
    question = found["question"]
    if found["subsets"]:
        yield "<h2>Travel against late share: every choice</h2><figure>"
        drawn = tradeoff.draw(
            "quick", found["subsets"], found["today_quick"], chosen=None, bars=False
        )
        yield f"{PICTURE}{drawn}</div>"
        yield _key(bars=False)
        yield (
            f"<figcaption>By the online rule ({escape(found['runs']['quick_policy'])}), "
            f"{question['quick_seeds']} seeds.</figcaption></figure>"
        )
        yield from _choices(
            found["subsets"], [("today", found["today_quick"])], "Every choice by the online rule"
        )
    if len(found["options"]) > 1:
        yield "<h2>The best of them by the full policy</h2><figure>"
        drawn = tradeoff.draw("full", found["options"], found["today"], chosen=best, bars=True)
        yield f"{PICTURE}{drawn}</div>"
        yield _key(bars=True)
        yield (
            f"<figcaption>The policy really used ({escape(question['policy'])}), "
            f"{question['seeds']} seeds; ringed: {escape(found['objective']['sentence'])}."
            "</figcaption></figure>"
        )
    else:
        yield "<h2>The figures by the full policy</h2>"
    now = [("today", found["today"])]
    if found["today_grown"]:
        now.append((f"today, plans {question['plans'] - 1:+.0%}", found["today_grown"]))
    yield from _choices(
        found["options"], now, f"By the full policy; sorted by {found['objective']['sentence']}"
    )


def _key(*, bars: bool) -> str:
    lines = "<li>bars: paired 95 % interval of the difference from today</li>" if bars else ""
    return (
        '<ul class="key"><li>◆ today</li><li>● no other choice is better in both</li>'
        f"<li>○ some other choice is better in both</li>{lines}</ul>"
    )


def _choices(
    options: Sequence[Json], now: Sequence[tuple[str, Json]], caption: str
) -> Iterable[str]:
    best = tradeoff.unbeaten(options)
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for _, head in COLUMNS)
    yield (
        f"{WIDE}<table><caption><span>{escape(caption)}. ●: no other choice is better in "
        "both late share and mean way.</span></caption><thead><tr>"
        f'<th scope="col">no.</th><th scope="col" class="text">locations that stay</th>{heads}'
        "</tr></thead><tbody>"
    )
    for name, one in now:
        yield f'<tr class="now"><td></td><th scope="row" class="text">{escape(name)}</th>'
        yield _cells(one) + "</tr>"
    for number_, one in enumerate(options, 1):
        mark = " ●" if number_ - 1 in best else ""
        yield f'<tr><td>{number_}</td><th scope="row" class="text set">{_set(one)}{mark}</th>'
        yield _cells(one) + "</tr>"
    yield "</tbody></table></div>"


def _cells(one: Json) -> str:
    return "".join(f"<td>{one['figures'][key]:.1f}</td>" for key, _ in COLUMNS)


def _beside(found: Json, best: Json) -> Iterable[str]:
    today = found["today"]
    yield (
        f"<h2>Beside today, figure by figure</h2>{WIDE}<table><caption><span>"
        f"{escape(best['name'])}, {found['question']['seeds']} seeds; the difference is paired, "
        "with its 95 % interval.</span></caption><thead><tr>"
        '<th scope="col" class="text">figure</th><th scope="col">today</th>'
        '<th scope="col">then</th><th scope="col">difference</th></tr></thead><tbody>'
    )
    for key, meant in found["figures"].items():
        mean, half = best["difference"][key]
        unit = f", {meant['unit']}" if meant["unit"] else ""
        if key == "worst_district_km" and best["worst_district"]:
            unit += f" (then {best['worst_district']['name']})"
        yield row(
            f"{meant['name']}{unit}",
            f"{today['figures'][key]:.1f}",
            f"{best['figures'][key]:.1f}",
            signed(mean, half),
        )
    yield row(
        "first sessions that can be held a week",
        f"{today['seats']:.0f}",
        f"{best['seats']:.0f}",
        signed(-best["seats_lost"], digits=0),
    )
    for key, name in (("rides_a_week", "rides, DKK a week"), ("per_session", "a session, DKK")):
        now, then = today["cost"][key], best["cost"][key]
        if then is None:
            yield row(name, "not computed", "not computed", "no price given")
        else:
            yield row(name, f"{now:,.0f}", f"{then:,.0f}", signed(then - now, digits=0))
    yield "</tbody></table></div>"


def _parts(found: Json, best: Json) -> Iterable[str]:
    names = {site["code"]: site["name"] for site in found["sites"]}
    for title, key, unit in (
        ("Load by location", "load", "%"),
        ("Load by competence", "competence_load", "%"),
        ("Mean way by district", "district_km", "km"),
    ):
        yield (
            f"<h2>{title}</h2>{WIDE}<table><caption><span>{title}, {unit}.</span></caption><thead>"
            '<tr><th scope="col" class="text"></th><th scope="col">today</th>'
            '<th scope="col">then</th></tr></thead><tbody>'
        )
        for code, value in found["today"][key].items():
            if value is not None or best[key][code] is not None:
                yield row(names.get(code, code), number(value), number(best[key][code]))
        yield "</tbody></table></div>"


def _rests(found: Json) -> Iterable[str]:
    yield "<h2>What this rests on</h2><ul>"
    yield from (f"<li>{escape(one)}</li>" for one in found["assumptions"])
    yield "</ul>"


def _foot(found: Json, command: str) -> str:
    question, runs = found["question"], found["runs"]
    return (
        f"<footer><p>Arrivals {question['from']} to {question['to']}; {runs['quick']} quick and "
        f"{runs['full']} full runs on common seeds. Made by <code>{escape(command)}</code></p>"
        "</footer>"
    )


def _set(one: Json) -> str:
    """A set of locations that breaks between names, never within one."""
    return " ".join(
        f"<span>{escape(part)}</span>" for part in one["name"].replace(" + ", " +\n").split("\n")
    )
