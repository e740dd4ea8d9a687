"""What follows from programmes: which one takes a plan, whom they admit, which law holds.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.referral.plan import PlanType
from services.referral.programme import Admission, Law, Programme, Step
from services.referral.programme_terms import Authority, Basis, Level, Referrer


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a referral is decided by: its programme, and the law that holds for it."""

    programme: Programme
    law: Law

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is ordered first; nothing where the programme is given elsewhere."""
        return self.programme.opening if self.programme.ordered_here else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A citizen as admission rules see them; None where it isn't known."""

    basis: Basis
    referred_by: Referrer | None = None
    plan_type: PlanType | None = None
    level: Level = Level.UNDECIDED
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The programmes of a folder by id. Exactly one takes each type of plan at each level."""

    programmes: Mapping[str, Programme]
    _of_plan: Mapping[tuple[PlanType, Level], Programme] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = {
            key: programme for programme in self.programmes.values() for key in taken(programme)
        }
        object.__setattr__(self, "_of_plan", found)

    def of_plan(self, kind: PlanType, level: Level = Level.UNDECIDED) -> Programme:
        """The programme that a hospital's plan begins."""
        return self._of_plan[kind, level]

    def standing(self, kind: PlanType | None, programme: str | None, day: date) -> Terms | None:
        """What an accepted referral stands on: by its plan's type, else by its programme.

        None where no programme is chosen yet, or the chosen one is no longer there.
        """
        if kind is not None:
            return self.terms(kind, day)
        found = self.programmes.get(programme) if programme is not None else None
        law = _newest(found.laws, day) if found is not None else None
        return Terms(programme=found, law=law) if found is not None and law is not None else None

    def terms(self, kind: PlanType, discharge: date) -> Terms:
        """What a hospital's plan is decided by."""
        programme = self.of_plan(kind)
        law = _newest(programme.laws, discharge)  # which ask no age where plans are taken
        assert law is not None, "a programme has a law"
        return Terms(programme=programme, law=law)


def levels_of(kind: PlanType) -> tuple[Level, ...]:
    """The levels that a type can have: only almen has any (KL)."""
    return tuple(Level) if kind is PlanType.ALMEN else (Level.UNDECIDED,)


def taken(programme: Programme) -> Iterator[tuple[PlanType, Level]]:
    """The types of plan, at each level, that a programme takes."""
    for admission in programme.admissions:
        for kind in admission.plan_types:
            for level in admission.levels or levels_of(kind):
                if level in levels_of(kind):
                    yield kind, level


def law_on(programme: Programme, day: date, age: int | None) -> Law | None:
    """The newest law that holds for this age on the day; before all of them, the oldest.

    None where it depends on an age that isn't known.
    """
    if age is not None:
        return _newest([law for law in programme.laws if law.ages.hold(age)], day)
    found = laws_on(programme, day)
    return found[0] if len(found) == 1 else None


def laws_on(programme: Programme, day: date) -> tuple[Law, ...]:
    """All laws that hold on a day, for somebody's age, the youngest first."""
    found = (law_on(programme, day, age) for age in turns(programme))
    return tuple(dict.fromkeys(law for law in found if law is not None))


def regional(programme: Programme, day: date) -> bool:
    """Whether the region is responsible for a programme on a day, for anybody's age."""
    return any(law.authority is Authority.REGION for law in laws_on(programme, day))


def run_here(programme: Programme, day: date, agreed: Collection[str]) -> bool:
    """Whether a municipality orders a programme of those that are given here.

    It is responsible, or has `agreed` to run it for the region (programmes by id).
    """
    return programme.id in agreed or not regional(programme, day)


def turns(programme: Programme) -> tuple[int, ...]:
    """The ages at which another law may hold, from 0 on: between them nothing changes."""
    ages = {0}
    for law in programme.laws:
        if law.ages.least is not None:
            ages.add(law.ages.least)
        if law.ages.most is not None:
            ages.add(law.ages.most + 1)
    return tuple(sorted(ages))


def _newest(laws: Sequence[Law], day: date) -> Law | None:
    """Of laws that stand the newest first, the one that holds on a day."""
    return next((law for law in laws if law.since <= day), laws[-1] if laws else None)


def obstacles(admission: Admission, asker: Asker) -> Iterator[str]:
    """Why an admission rule doesn't admit; nothing where it does."""
    if asker.referred_by is not None and asker.referred_by not in admission.referred_by:
        yield f"referred by {' or '.join(admission.referred_by)}, not by {asker.referred_by}"
    if admission.plan_types:
        if asker.plan_type is None:
            yield f"needs a plan of type {' or '.join(admission.plan_types)}"
        elif asker.plan_type not in admission.plan_types:
            yield f"takes plans of type {' or '.join(admission.plan_types)}, not {asker.plan_type}"
    if admission.levels and asker.level not in admission.levels:
        yield f"takes level {' or '.join(admission.levels)}, not {asker.level}"
    if not admission.ages.hold(asker.age):
        said = "the age isn't known" if asker.age is None else f"not {asker.age}"
        yield f"takes ages {spoken(admission.ages.least, admission.ages.most)}; {said}"


def refusals(programme: Programme, asker: Asker) -> tuple[str, ...]:
    """Why a programme doesn't admit somebody; empty where one of its rules does."""
    mine = [rule for rule in programme.admissions if rule.basis is asker.basis]
    if not mine:
        grounds = " or ".join(dict.fromkeys(rule.basis for rule in programme.admissions))
        said = grounds or "nobody on referral (one just comes)"
        return (f"admits on basis {said}, not {asker.basis}",)
    every = [tuple(obstacles(rule, asker)) for rule in mine]
    return min(every, key=len)


def spoken(least: int | None, most: int | None) -> str:
    """A span of ages in words."""
    if least is not None and most is not None:
        return f"{least} to {most}"
    return f"{least} and over" if least is not None else f"up to {most}"
