"""What was found, as JSON-able data: the one source of the terminal's table, the page and HTTP."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from services.scheduling.provider import AT_ONCE
from services.scheduling.what_if.ask import Found, Option, Plan
from services.scheduling.what_if.booking import STATED_AHEAD
from services.scheduling.what_if.measures import Floats
from services.scheduling.what_if.question import OBJECTIVES, POLICIES, named
from services.scheduling.what_if.study import Study

WEEKS_A_YEAR: Final = 365.25 / 7

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "late": ("late", "%"),
    "vulnerable_late": ("late, the vulnerable", "%"),
    "mean_days_late": ("days late, mean of the late", "days"),
    "vulnerable_days_late": ("days late, vulnerable", "days"),
    "most_days_late": ("days late, most", "days"),
    "unbooked": ("without a session", "%"),
    "days_waited": ("days from plan to session", "days"),
    "km": ("way, mean", "km"),
    "km_p90": ("way, nine of ten within", "km"),
    "beyond_10_km": ("beyond 10 km", "%"),
    "beyond_20_km": ("beyond 20 km", "%"),
    "much_farther": ("over 5 km more than today", "%"),
    "worst_district_km": ("worst district, mean way", "km"),
    "vulnerable_km": ("way of the vulnerable, mean", "km"),
    "rides": ("rides a week", ""),
    "ride_km": ("kilometres of rides a week", "km"),
    "sessions": ("first sessions a week", ""),
    "load": ("load", "%"),
}
"""What each figure is called, and its unit."""

HELD: Final[Mapping[str, str]] = {
    **{"location": "", "home": " at home"},
    **{"screen": " by screen", "telephone": " by telephone"},
}

Json = dict[str, Any]


def answer(study: Study, found: Found) -> Json:
    """All that was found. Money is in DKK, ways in km, shares in percent."""
    world, question = study.world, study.question
    figure, sentence = OBJECTIVES[question.objective]
    return {
        "question": asked(study),
        "assumptions": assumptions(study),
        "warnings": warnings(study, found),
        "figures": {key: {"name": name, "unit": unit} for key, (name, unit) in FIGURES.items()},
        "objective": {
            "name": question.objective.value,
            "figure": figure,
            "sentence": sentence,
        },
        "sites": [
            {
                "code": site.code,
                "name": site.name,
                "lat": site.lat,
                "lon": site.lon,
                "rooms": len(world.weeks[0][row].rooms),
                "open_today": row in world.today,
            }
            for row, site in enumerate(world.sites)
        ],
        "districts": [
            {
                "name": name,
                "lat": None if (at := world.demand.districts[name]) is None else at[0],
                "lon": None if at is None else at[1],
                "weight": world.demand.weight[name],
            }
            for name in world.districts
        ],
        "today": _option(study, found, found.today),
        "today_grown": found.today_grown and _option(study, found, found.today_grown),
        "today_quick": found.today_quick and _option(study, found, found.today_quick),
        "options": [_option(study, found, one) for one in found.full],
        "subsets": [_option(study, found, one) for one in found.quick],
        "travel": travel(study, found.plan),
        "runs": {
            "quick": found.plan.quick_runs,
            "full": found.plan.full_runs,
            "quick_policy": found.plan.quick_policy.value,
        },
    }


def asked(study: Study) -> Json:
    """The question as it was understood, staff and rooms first."""
    question, world = study.question, study.world
    return {
        "staff": question.staff.value,
        "rooms": question.rooms.value,
        "keep": list(question.sizes),
        "close": list(question.close),
        "open": list(question.open),
        "stay": list(question.stay),
        "plans": question.growth,
        "policy": question.policy.value,
        "tell": question.tell,
        "seeds": 1 if question.replay else question.seeds,
        "quick_seeds": 1 if question.replay else question.quick_seeds,
        "load": question.load,
        "replay": question.replay,
        "budget": question.budget,
        "from": world.first.isoformat(),
        "to": (world.first + timedelta(days=world.days - 1)).isoformat(),
        "minutes": world.minutes,
        "requests": world.demand.source,
    }


def assumptions(study: Study) -> list[str]:
    """What the figures rest on, a sentence each."""
    question, world = study.question, study.world
    rates = "the past as it was" if question.replay else "drawn at the rate of the source"
    told = f"{question.tell} open days before"
    if question.tell in (0, AT_ONCE):
        told = "the same evening"
    found = [
        f"Staff of a location that closes: {question.staff.value}. Rooms: {question.rooms.value}.",
        f"Requests: {world.demand.source}; {rates}, {world.per_week:.0f} a week today.",
        *(note[:1].upper() + note[1:] + "." for note in world.demand.notes),
        f"Bookings: {POLICIES[question.policy]}"
        + (f", told {told}." if question.policy.value == "re-plan" else "."),
        "Of each location the newest stated week of hours and rooms is repeated, known "
        f"{STATED_AHEAD} weeks ahead; the calendar is empty at the start.",
        "Ways are by car, 1.3 times the great circle, from the centre of the district; public "
        "transport is not computed.",
        f"First sessions: {_lengths(study)}.",
        "Weights of the price, language, transport, wishes and when citizens are told are the "
        "municipality's.",
    ]
    if question.load is not None:
        found.append(
            f"Of the stated hours so many are taken by courses under way, drawn by the seed, that "
            f"today's first sessions fill {question.load:.0%} of the rest."
        )
    if question.growth != 1:
        found.append(f"Plans: {question.growth:.0%} of today's number.")
    return found


def _lengths(study: Study) -> str:
    """How long first sessions take and where they are held, as in "60 minutes (90 %), 30 minutes
    by telephone (10 %)"."""
    like = study.world.like
    counts = Counter((one.minutes, one.delivery) for one in like)
    return ", ".join(
        f"{minutes} minutes{HELD.get(delivery, f' ({delivery})')} ({count / len(like):.0%})"
        for (minutes, delivery), count in counts.most_common()
    )


def warnings(study: Study, found: Found) -> list[str]:
    """What a reader must know before they believe a figure."""
    said = []
    for one in [found.today, *([found.today_grown] if found.today_grown else []), *found.full]:
        coming = study.world.per_week * (study.question.growth if one.grown else 1.0)
        if coming > one.seats:
            said.append(
                f"{named(study.world, one.keep)}: {coming:.0f} citizens a week and {one.seats:.0f} "
                "first sessions that can be held: more citizens than capacity, so waiting grows "
                "week by week and the late share depends on how long is simulated."
            )
    return said


def announcement(study: Study, planned: Plan) -> str:
    """How many runs of what there will be, and about how long they take; printed first."""
    question = study.question
    sets = len(planned.keeps)
    parts = [f"{sets} {'set' if sets == 1 else 'sets'} of locations."]
    if planned.ranked is not None:
        parts = [
            f"{len(study.world.sites)} locations have too many subsets to simulate: the "
            f"{sets} sets of least travel (p-median) are."
        ]
    if planned.quick_runs:
        parts.append(
            f"{planned.quick_runs} runs by the online rule ({planned.quick_policy.value}) on "
            f"{question.quick_seeds} seeds, then the best {min(question.best, sets)} by "
            f"{OBJECTIVES[question.objective][1]} with the full policy:"
        )
    seeds = 1 if question.replay else question.seeds
    parts.append(
        f"{planned.full_runs} runs ({question.policy.value}) on "
        f"{'the past itself' if question.replay else f'{seeds} seeds'}."
    )
    parts.append(f"About {spoken(planned.seconds)}.")
    return " ".join(parts)


def travel(study: Study, planned: Plan) -> Json | None:
    """The p-median's ranking, where there was one; what is proven is named."""
    if planned.ranked is None:
        return None
    ranked = planned.ranked
    first = "proven least of all" if ranked.proven else f"at most {ranked.gap:.1%} from the least"
    return {
        "objective": "the least weighted way to the nearest kept location (p-median); "
        "nothing else is in it",
        "first": first,
        "proven": ranked.proven,
        "gap": ranked.gap,
        "sets": [
            {"keep": [study.world.sites[place].code for place in keep], "km": km}
            for keep, km in zip(ranked.keeps, ranked.km, strict=True)
        ],
    }


def _option(study: Study, found: Found, one: Option) -> Json:
    world = study.world
    today = found.today if one.full or found.today_quick is None else found.today_quick
    codes = [site.code for site in world.sites]
    district = _named(world.districts, one.district_km)
    told = {name: value for name, value in district.items() if value is not None}
    worst = max(told, key=lambda name: told[name], default=None)
    return {
        "name": named(world, one.keep),
        "keep": [codes[place] for place in one.keep],
        "close": [codes[place] for place in world.today if place not in one.keep],
        "open": [codes[place] for place in one.keep if place not in world.today],
        "stage": "full" if one.full else "quick",
        "policy": one.policy.value,
        "seeds": one.told.seeds,
        "figures": {key: one.told.figures[key] for key in FIGURES},
        "difference": {
            key: [mean, None if math.isinf(half) else half]
            for key in FIGURES
            for mean, half in [one.told.difference[key]]
        },
        "load": _named(codes, one.place_load),
        "competence_load": _named(world.competences, one.group_load),
        "district_km": district,
        "worst_district": worst and {"name": worst, "km": told[worst]},
        "seats": one.seats,
        "seats_lost": today.seats - one.seats,
        "cost": cost(study, one),
    }


def cost(study: Study, one: Option) -> Json:
    """What a first session costs; None where the price of it was not given."""
    question, figures = study.question, one.told.figures
    codes = [study.world.sites[place].code for place in one.keep]
    before = [study.world.sites[place].code for place in study.world.today]
    rides = None
    if question.ride_cost is not None or question.ride_km_cost is not None:
        rides = figures["rides"] * (question.ride_cost or 0) + figures["ride_km"] * (
            question.ride_km_cost or 0
        )
    a_week = None
    if question.budget is not None:
        saved = sum(question.rents.get(code, 0) for code in before if code not in codes)
        spent = sum(question.rents.get(code, 0) for code in codes if code not in before)
        a_week = (question.budget - saved + spent) / WEEKS_A_YEAR
    sessions = figures["sessions"]
    return {
        "rides_a_week": rides,
        "budget_a_week": a_week,
        "per_session": None
        if a_week is None or not sessions
        else (a_week + (rides or 0)) / sessions,
    }


def _named(names: Sequence[str], values: Floats) -> dict[str, float | None]:
    return {
        name: None if math.isnan(value) else float(value)
        for name, value in zip(names, values, strict=True)
    }


def spoken(seconds: float) -> str:
    """A stretch of time as it is said."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
