"""What a programme is: whom it admits, under which law, and its steps. Standard library only.

A programme is one file in `programmes/`; `programme_files` reads them, `programme_policy` decides
by them. Days are calendar days, ages whole years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from services.referral.plan import PlanType
from services.referral.programme_terms import (
    OPENING,
    UNOPENED,
    Authority,
    Basis,
    Delivery,
    GivenBy,
    Level,
    Moment,
    Phase,
    Referrer,
    Role,
    StepKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name in Danish and in English."""

    da: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A coded concept: system (URI), code and display."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """Whole years, both included; None is open."""

    least: int | None = None
    most: int | None = None

    def hold(self, age: int | None) -> bool:
        """Whether the age lies inside. An unknown age lies only inside what is open."""
        if age is None:
            return self.open
        return (self.least is None or age >= self.least) and (self.most is None or age <= self.most)

    @property
    def open(self) -> bool:
        """Whether every age lies inside."""
        return self.least is None and self.most is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whom a programme admits on one ground. `plan_types` and `levels`: of a hospital's plans.

    `diagnoses`: beginnings of ICD-10 codes that the rule is meant for: where several programmes
    admit, the one that is meant for the citizen's diagnosis takes the referral.
    """

    basis: Basis
    referred_by: tuple[Referrer, ...]
    plan_types: tuple[PlanType, ...] = ()
    levels: tuple[Level, ...] = ()
    ages: Ages = Ages()
    diagnoses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """How long a first session may wait.

    `days` from the day of discharge (for other grounds: of the referral); where `later_start`,
    from the later start that the plan sets for health reasons. `free_choice`: the citizen may
    choose a private supplier when the limit can't be held. `grace`: how long a plan that comes
    with less left than the warning time has for its offer before a human is warned.
    """

    days: int
    later_start: bool
    free_choice: bool
    grace: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What holds for citizens of these ages from a day on. `limit` None: no limit."""

    since: date
    legal_basis: str
    authority: Authority
    limit: LimitRule | None
    ages: Ages = Ages()


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """So many days at least and at most."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """So many leaders in one role, each with these competences."""

    role: Role
    count: int = 1
    competences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """How many citizens a session takes; 1 to 1 is individual."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Sessions of one kind: `count` of them, `minutes` each.

    `spacing`: days from one session to the next. `after`: days from the end of the step before.
    `consent`: only with the citizen's recorded consent. `code` None: no public code is known.
    """

    id: str
    kind: StepKind
    name: Name
    minutes: int
    code: Coding | None = None
    count: int = 1
    spacing: Days | None = None
    after: Days | None = None
    delivery: Delivery = Delivery.LOCATION
    leaders: tuple[Leader, ...] = (Leader(role=Role.STAFF),)
    seats: Seats = Seats(least=1, most=1)
    room: bool = True
    equipment: tuple[str, ...] = ()
    consent: bool = False

    @property
    def competences(self) -> tuple[str, ...]:
        """What the first of the staff must have; nothing where no staff lead it."""
        staff = (leader.competences for leader in self.leaders if leader.role is Role.STAFF)
        return next(staff, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An evaluation form and when it is asked."""

    form: str
    name: Name
    asked: tuple[Moment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One programme of the portfolio. `id` is its file's name.

    `drop_in`: one may come without a referral, and is then counted without identity. `laws`: the
    newest first. `phase` None: in ordinary operation. `leads_to`: programmes that may follow.
    """

    id: str
    name: Name
    given_by: GivenBy
    admissions: tuple[Admission, ...]
    laws: tuple[Law, ...]
    steps: tuple[Step, ...]
    drop_in: bool = False
    forms: tuple[Form, ...] = ()
    phase: Phase | None = None
    leads_to: tuple[str, ...] = ()

    @property
    def ordered_here(self) -> bool:
        """Whether anything of it is ordered by us."""
        return self.given_by is not GivenBy.HOSPITAL and self.phase not in UNOPENED

    @property
    def opening(self) -> tuple[Step, ...]:
        """What is ordered first: up to where somebody has met the citizen; else all steps."""
        for index, step in enumerate(self.steps):
            if step.kind in OPENING:
                return self.steps[: index + 1]
        return self.steps

    @property
    def afterwards(self) -> tuple[Step, ...]:
        """What may follow when the citizen has been met."""
        return self.steps[len(self.opening) :]

    @property
    def minutes(self) -> int:
        """The length of all its sessions together."""
        return sum(step.count * step.minutes for step in self.steps)
