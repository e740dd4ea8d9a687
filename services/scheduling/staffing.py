"""Staffing rules of the municipality as data: how much of a therapist each district and centre has.

Whoever has a duty does sparring in everyday life there and cannot be booked in those hours. A rule
that is broken refuses no capacity: planners are told, with a proposal. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.scheduling.capacity import LocationWeek

FULL_WEEK: Final = 37.0  # hours of a full-time therapist in Denmark
_NEAR: Final = 1e-6
_SMALLEST: Final = 0.1  # of a week: nobody is asked for less


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Each of `units` has at least and at most so many full-time therapists."""

    name: str
    units: tuple[str, ...]
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that is broken, and what would mend it. `about` is a unit or a therapist."""

    rule: str
    about: str
    problem: str
    proposal: str


@dataclass(slots=True)
class _Person:
    duty: float = 0.0  # full-time shares
    booked: float = 0.0  # hours that can be booked

    @property
    def free(self) -> float:
        """Hours that are neither a duty's nor bookable."""
        return FULL_WEEK * (1 - self.duty) - self.booked


def breaches(rules: Sequence[Rule], weeks: Iterable[LocationWeek]) -> list[Breach]:
    """What a week's capacity breaks; `weeks` are all locations of one provider in one week."""
    if not rules:
        return []
    people: dict[str, _Person] = {}
    held: dict[str, list[tuple[str, float]]] = {}
    for week in weeks:
        for therapist in week.therapists:
            person = people.setdefault(therapist.id, _Person())
            for duty in therapist.duties:
                person.duty += duty.share
                held.setdefault(duty.unit, []).append((therapist.id, duty.share))
            if not week.closed:
                person.booked += sum(
                    (shift.end - shift.start).total_seconds() / 3600 for shift in therapist.shifts
                )
    found = [*_too_much(people), *_unknown(rules, held)]
    spare = _spare(rules, held)
    for rule in rules:
        for unit in rule.units:
            has = sum(share for _, share in held.get(unit, ()))
            if has < rule.least - _NEAR:
                found.append(_short(rule, unit, held=held, people=people, spare=spare))
            elif has > rule.most + _NEAR:
                found.append(
                    Breach(
                        rule=rule.name,
                        about=unit,
                        problem=f"{unit} has {has:g} therapists, and at most {rule.most:g} are "
                        "allowed",
                        proposal=f"take {has - rule.most:g} of {_most(held[unit])} off {unit}",
                    )
                )
    return found


def _too_much(people: Mapping[str, _Person]) -> Iterable[Breach]:
    for name, person in sorted(people.items()):
        if person.duty > 0 and person.free < -_NEAR:
            yield Breach(
                rule="not bookable",
                about=name,
                problem=f"{name} has {person.duty:g} of a week on duty and {person.booked:g} "
                f"bookable hours, together more than {FULL_WEEK:g} hours: hours on duty can't be "
                "booked",
                proposal=f"take {-person.free:g} of the bookable hours away"
                if -person.free <= person.booked
                else f"take {-person.free / FULL_WEEK:.2f} of a duty away",
            )


def _unknown(
    rules: Sequence[Rule], held: Mapping[str, Sequence[tuple[str, float]]]
) -> Iterable[Breach]:
    known = {unit for rule in rules for unit in rule.units}
    for unit in sorted(held.keys() - known):
        yield Breach(
            rule="units",
            about=unit,
            problem=f"no rule knows {unit}, where {', '.join(name for name, _ in held[unit])} "
            "has a duty",
            proposal=f"use one of {', '.join(sorted(known))}",
        )


def _spare(
    rules: Sequence[Rule], held: Mapping[str, Sequence[tuple[str, float]]]
) -> list[tuple[str, float]]:
    """Units that have more than they may, with how much."""
    spare = []
    for rule in rules:
        for unit in rule.units:
            over = sum(share for _, share in held.get(unit, ())) - rule.most
            if over > _NEAR:
                spare.append((unit, over))
    return spare


def _short(
    rule: Rule,
    unit: str,
    *,
    held: Mapping[str, Sequence[tuple[str, float]]],
    people: Mapping[str, _Person],
    spare: list[tuple[str, float]],
) -> Breach:
    """What a unit lacks, and from whom it can come: first who is too many elsewhere, then as few
    people as can be, those who give up the fewest bookable hours."""
    has = sum(share for _, share in held.get(unit, ()))
    lacks = rule.least - has
    here = {name for name, _ in held.get(unit, ())}
    parts = []
    while lacks > _NEAR and spare:
        other, over = spare.pop(0)
        parts.append(f"{min(lacks, over):g} from {other}, which has too many")
        if over > lacks:
            spare.insert(0, (other, over - lacks))
        lacks -= min(lacks, over)
    while lacks > _NEAR:
        found = _whoever_gives_up_least(people, lacks, here)
        if found is None:
            parts.append(f"{lacks:.2g} of somebody new: nobody has a share left")
            break
        name, share = found
        person = people[name]
        given = max(0.0, FULL_WEEK * share - person.free)
        what = f", who gives up {given:.3g} of {person.booked:g} bookable hours" if given else ""
        parts.append(f"{share:.2g} of {name}{what}")
        person.duty += share
        person.booked -= given
        lacks -= share
    return Breach(
        rule=rule.name,
        about=unit,
        problem=f"{unit} has {has:g} therapists, and at least {rule.least:g} are needed",
        proposal="; ".join(parts),
    )


def _whoever_gives_up_least(
    people: Mapping[str, _Person], lacks: float, here: set[str]
) -> tuple[str, float] | None:
    """One person for the whole of it where there is one, else the largest share of somebody;
    between equals, whoever is `here` already."""
    able = [
        (-share, max(0.0, FULL_WEEK * share - person.free), name not in here, name)
        for name, person in people.items()
        if (share := min(lacks, 1 - person.duty)) >= min(lacks, _SMALLEST)
    ]
    if not able:
        return None
    share, _, _, name = min(able)
    return name, -share


def _most(duties: Sequence[tuple[str, float]]) -> str:
    return max(duties, key=lambda one: (one[1], one[0]))[0]
