"""Genvej's events as facts of a delivery report: what `referrals` and `training` can say today.

Read tolerantly: unknown types and fields are passed over. An id in the report is derived from ours,
so that each run gives the same, and nobody outside gets ours (the referral's excepted, which is
derived from the hospital's own document id).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.referral.limit import local_day
from services.referral.plan import PlanType
from services.referral.report import codes
from services.referral.report.codes import Category, Delivery, EndReason, HoldReason, Level
from services.referral.report.facts import (
    CarePlanOpened,
    CitizenRegistered,
    CourseEnded,
    DatesCorrected,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    Organisation,
    PlanEnd,
    PlanEnded,
    PlanHeld,
    PlanReceived,
    ReportDelivered,
    TakenBack,
)
from services.referral.report.stated import (
    Closed,
    NotReported,
    Offered,
    Order,
    Received,
    Revised,
    Stated,
    Waived,
    Withdrawn,
    read,
)
from shared.envelope import TYPE_PREFIX

_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:kl-140")
LEVELS: Final[Mapping[str, Level]] = {
    "p140-basal": Level.BASAL,
    "p140-avanceret": Level.AVANCERET,
}
"""The level that an order's programme stands for (`services/referral/programmes`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The SOR numbers behind a provider code: who keeps the record, and who trains."""

    keeper_sor: str
    performer_sor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What no event says of the citizen; None where nobody has given it."""

    cpr: str | None = None
    deceased: bool | None = None


HELD: Final[Mapping[str, HoldReason]] = {
    "free-choice": HoldReason.FREE_CHOICE,
    "other-municipality": HoldReason.OTHER_MUNICIPALITY,
    "moved": HoldReason.OTHER_MUNICIPALITY,
}
"""Why an order that was handed over has no start in time, by the reason of its withdrawal."""
RECEIVED: Final = f"{TYPE_PREFIX}referral.received.v1"


def facts_of(
    events: Sequence[Stated],
    units: Mapping[str, Unit],
    person: Person,
    *,
    delivered: datetime | None = None,
) -> tuple[Fact, ...]:
    """The history that events of one citizen's referrals tell, in the order of their time.

    `units`: by provider code; who isn't there (a private supplier) performs without a number.
    `delivered`: when the last report was made of it. Raises NotReported.
    """
    ordered = sorted(events, key=lambda event: event.at)
    received = [read(Received, one) for one in ordered if one.type == RECEIVED]
    if not received:
        raise NotReported("no such referral has been received")
    if len({one.citizen_id for one in received}) > 1:
        raise NotReported("the referrals are of more than one citizen")
    teller = _Teller(units)
    # Whoever keeps the record is the municipality that got the (first) plan.
    keeper = units.get(received[0].provider)
    told: list[Fact] = [
        CitizenRegistered(
            citizen_id=_derived("citizen", received[0].citizen_id),
            cpr=person.cpr,
            keeper_sor=keeper.keeper_sor if keeper else None,
            deceased=person.deceased,
        )
    ]
    waits = delivered is not None
    for event in ordered:
        if delivered is not None and waits and event.at > delivered:
            told.append(ReportDelivered(delivered))
            waits = False
        told += teller.tell(event)
    return tuple([*told, ReportDelivered(delivered)] if delivered and waits else told)


@dataclass(slots=True)
class _Placed:
    """What is known of an order: the FSIII code of each step, and the courses it gave rise to."""

    steps: dict[str, str]
    courses: dict[str, str]  # FSIII code → id of the intervention
    name: str  # what its ids are derived from
    care_plan: str | None = None


class _Teller:
    """Tells events one by one, and remembers what later ones need."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self._units = units
        self._requests: dict[str, PlanType] = {}
        self._levels: dict[str, Level] = {}
        self._orders: dict[str, _Placed] = {}
        self._withdrawals: dict[str, int] = {}
        self._early: dict[str, list[Stated]] = {}
        self._tellers: Mapping[str, Callable[[Stated], Iterator[Fact]]] = {
            RECEIVED: self._received,
            f"{TYPE_PREFIX}referral.revised.v1": self._revised,
            f"{TYPE_PREFIX}referral.closed.v1": self._closed,
            f"{TYPE_PREFIX}order.placed.v1": self._ordered,
            f"{TYPE_PREFIX}order.changed.v1": self._ordered,
            f"{TYPE_PREFIX}order.withdrawn.v1": self._withdrawn,
            f"{TYPE_PREFIX}free-choice.waived.v1": self._waived,
            f"{TYPE_PREFIX}session.offered.v1": self._offered,
            f"{TYPE_PREFIX}session.moved.v1": self._offered,
        }

    def tell(self, event: Stated) -> Iterator[Fact]:
        """The facts of one event; none where it changes nothing in a report.

        A cancelled session is such a one: the day offered counts "even if the encounter is
        eventually cancelled" (KL's ServiceRequest introduction).
        """
        teller = self._tellers.get(event.type)
        return iter(()) if teller is None else teller(event)

    def _received(self, event: Stated) -> Iterator[Fact]:
        one = read(Received, event)
        if one.basis != "hospital":
            raise NotReported(
                f"the referral's ground is {one.basis}, and the § 140 report is of hospitals' plans"
            )
        if one.type is None or one.discharge_date is None or one.hospital is None:
            raise NotReported(f"an event of type {event.type} lacks type, discharge or hospital")
        if one.referral_id in self._requests:
            return
        self._requests[one.referral_id] = one.type
        yield PlanReceived(
            request_id=one.referral_id,
            requester=_organisation(one.hospital),
            type=one.type,
            received=local_day(one.received_at),
            discharge=one.discharge_date,
            later_start=one.later_start,
            diagnoses=None,
            replaces=one.replaces,
        )

    def _revised(self, event: Stated) -> Iterator[Fact]:
        one = read(Revised, event)
        if one.referral_id in self._requests:
            yield DatesCorrected(
                request_id=one.referral_id,
                discharge=one.discharge_date,
                later_start=one.later_start,
            )

    def _closed(self, event: Stated) -> Iterator[Fact]:
        one = read(Closed, event)
        if one.referral_id not in self._requests:
            return
        if one.reason == "entered-in-error":
            yield TakenBack(of=one.referral_id)
        else:
            yield PlanEnded(request_id=one.referral_id, how=PlanEnd.REVOKED)

    def _ordered(self, event: Stated) -> Iterator[Fact]:
        """What an order asks for, and the care plan around those that need one."""
        one = read(Order, event)
        if one.referral_id not in self._requests:
            return
        yield from self._level(one)
        placed = self._placed(one.order_id)
        unit = self._units.get(one.provider)
        performer = _organisation(unit.performer_sor) if unit else None
        granted = local_day(event.at)
        ways: dict[str, set[Delivery]] = {}
        for step in one.steps:
            # Steps of no FSIII code are none of the interventions that § 140's report knows.
            if step.code.system == codes.FSIII and step.code.code in codes.INTERVENTIONS:
                placed.steps[step.step_id] = step.code.code
                way = Delivery.INDIVIDUAL if step.seats == 1 else Delivery.GROUP
                ways.setdefault(step.code.code, set()).add(way)
        for code, delivery in ways.items():
            if code in placed.courses:
                continue
            part = code in codes.IN_A_CARE_PLAN
            if part and placed.care_plan is None:
                placed.care_plan = _derived("course", placed.name)
                yield CarePlanOpened(
                    care_plan_id=placed.care_plan,
                    category=Category.INTERVENTION,
                    granted=granted,
                    performer=performer,
                    request_id=one.referral_id,
                )
            placed.courses[code] = _derived("intervention", f"{placed.name}/{code}")
            yield InterventionPlanned(
                intervention_id=placed.courses[code],
                code=code,
                delivery=tuple(way for way in Delivery if way in delivery),
                granted=granted,
                care_plan_id=placed.care_plan if part else None,
                request_id=None if part else one.referral_id,
                performer=None if part else performer,
            )
        for early in self._early.pop(one.order_id, ()):
            yield from self._offered(early)

    def _placed(self, order_id: str) -> _Placed:
        """An order as it stands. One that is placed again after its end asks for new things."""
        if order_id not in self._orders:
            again = self._withdrawals.get(order_id, 0)
            self._orders[order_id] = _Placed({}, {}, f"{order_id}/{again}" if again else order_id)
        return self._orders[order_id]

    def _level(self, one: Order) -> Iterator[Fact]:
        level = LEVELS.get(one.programme)
        is_almen = self._requests[one.referral_id] is PlanType.ALMEN
        if level is not None and is_almen and self._levels.get(one.referral_id) != level:
            self._levels[one.referral_id] = level
            yield LevelSet(request_id=one.referral_id, level=level)

    def _withdrawn(self, event: Stated) -> Iterator[Fact]:
        """What an order asked for ends with it; where it was an error, it never was.

        KL has no code for "replaced", "revoked" or a limit that couldn't be held; what ends a
        course without the citizen's choice and nobody's assessment is an event
        ("Hændelse medfører ophør").
        """
        one = read(Withdrawn, event)
        placed = self._orders.pop(one.order_id, None)
        if placed is None:
            return
        self._withdrawals[one.order_id] = self._withdrawals.get(one.order_id, 0) + 1
        own = (id_ for code, id_ in placed.courses.items() if code not in codes.IN_A_CARE_PLAN)
        for course in (*own, *([placed.care_plan] if placed.care_plan else [])):
            if one.reason == "entered-in-error":
                yield TakenBack(of=course)
            else:
                yield CourseEnded(of=course, on=local_day(event.at), reason=EndReason.EVENT)
        held = HELD.get(one.reason)
        if held is not None:
            yield PlanHeld(request_id=one.referral_id, reason=held)

    def _waived(self, event: Stated) -> Iterator[Fact]:
        one = read(Waived, event)
        yield PlanHeld(request_id=one.referral_id, reason=HoldReason.FREE_CHOICE_DECLINED)

    def _offered(self, event: Stated) -> Iterator[Fact]:
        one = read(Offered, event)
        placed = self._orders.get(one.order_id)
        code = placed.steps.get(one.step_id) if placed else None
        if placed is None or code is None:
            # Between topics no order is promised.
            self._early.setdefault(one.order_id, []).append(event)
            return
        yield EncounterOffered(of=placed.courses[code], day=local_day(one.start))


def _organisation(sor: str) -> Organisation:
    return Organisation(id=_derived("organisation", sor), sor=sor)


def _derived(kind: str, of: str) -> str:
    return str(uuid.uuid5(_IDS, f"{kind}/{of}"))
