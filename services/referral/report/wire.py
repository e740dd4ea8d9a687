"""Genvej's events as facts of a delivery report: what `referrals` and `training` can say today.

Read tolerantly: unknown types and fields are passed over. An id in the report is derived from ours,
so that each run gives the same, and nobody outside gets ours (the referral's excepted, which is
derived from the hospital's own document id).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.referral.limit import local_day
from services.referral.plan import PlanType
from services.referral.report import codes
from services.referral.report.codes import (
    HELD,
    LEVELS,
    Category,
    Delivery,
    EndReason,
    HoldReason,
    Level,
)
from services.referral.report.facts import (
    CarePlanOpened,
    CitizenRegistered,
    CourseEnded,
    DatesCorrected,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    PlanEnd,
    PlanEnded,
    PlanHeld,
    PlanReceived,
    PlanReopened,
    ReportDelivered,
    TakenBack,
)
from services.referral.report.placed import Attendance, Placed, derived, organisation
from services.referral.report.stated import (
    Attended,
    Closed,
    NotReported,
    Offered,
    Order,
    Received,
    Reopened,
    Revised,
    Stated,
    Waived,
    Withdrawn,
    read,
)
from shared.envelope import TYPE_PREFIX


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


ENDED: Final[Mapping[str, PlanEnd]] = {
    "completed": PlanEnd.COMPLETED,
    "self-directed": PlanEnd.COMPLETED,
}
"""How a plan ended that came to its end, by the reason of its closing; all others are revoked."""
COMPLETED: Final = "completed"
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
            citizen_id=derived("citizen", received[0].citizen_id),
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


class _Teller:
    """Tells events one by one, and remembers what later ones need."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self._units = units
        self._requests: dict[str, PlanType] = {}
        self._levels: dict[str, Level] = {}
        self._orders: dict[str, Placed] = {}
        self._ended: dict[str, Placed] = {}  # what is corrected of sessions after their order's end
        self._withdrawals: dict[str, int] = {}
        self._early: dict[str, list[Stated]] = {}
        self._attendance = Attendance()
        self._tellers: Mapping[str, Callable[[Stated], Iterator[Fact]]] = {
            RECEIVED: self._received,
            f"{TYPE_PREFIX}referral.revised.v1": self._revised,
            f"{TYPE_PREFIX}referral.closed.v1": self._closed,
            f"{TYPE_PREFIX}referral.reopened.v1": self._reopened,
            f"{TYPE_PREFIX}order.placed.v1": self._ordered,
            f"{TYPE_PREFIX}order.changed.v1": self._ordered,
            f"{TYPE_PREFIX}order.withdrawn.v1": self._withdrawn,
            f"{TYPE_PREFIX}free-choice.waived.v1": self._waived,
            f"{TYPE_PREFIX}session.offered.v1": self._offered,
            f"{TYPE_PREFIX}session.moved.v1": self._offered,
            f"{TYPE_PREFIX}session.attended.v1": self._attended,
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
            requester=organisation(one.hospital),
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
            yield PlanEnded(request_id=one.referral_id, how=ENDED.get(one.reason, PlanEnd.REVOKED))

    def _reopened(self, event: Stated) -> Iterator[Fact]:
        one = read(Reopened, event)
        if one.referral_id in self._requests:
            yield PlanReopened(request_id=one.referral_id)

    def _ordered(self, event: Stated) -> Iterator[Fact]:
        """What an order asks for, and the care plan around those that need one."""
        one = read(Order, event)
        if one.referral_id not in self._requests:
            return
        yield from self._level(one)
        placed = self._placed(one.order_id)
        unit = self._units.get(one.provider)
        performer = organisation(unit.performer_sor) if unit else None
        granted = local_day(event.at)
        ways: dict[str, set[Delivery]] = {}
        for step in one.steps:
            # Steps of no FSIII code are none of the interventions that § 140's report knows.
            if step.code.system == codes.FSIII and step.code.code in codes.INTERVENTIONS:
                placed.steps[step.step_id] = step
                way = Delivery.INDIVIDUAL if step.seats == 1 else Delivery.GROUP
                ways.setdefault(step.code.code, set()).add(way)
        for code, delivery in ways.items():
            if code in placed.courses:
                continue
            part = code in codes.IN_A_CARE_PLAN
            if part and placed.care_plan is None:
                placed.care_plan = derived("course", placed.name)
                yield CarePlanOpened(
                    care_plan_id=placed.care_plan,
                    category=Category.INTERVENTION,
                    granted=granted,
                    performer=performer,
                    request_id=one.referral_id,
                )
            placed.courses[code] = derived("intervention", f"{placed.name}/{code}")
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
            yield from self.tell(early)

    def _placed(self, order_id: str) -> Placed:
        """An order as it stands. One that is placed again after its end asks for new things."""
        if order_id not in self._orders:
            again = self._withdrawals.get(order_id, 0)
            self._ended.pop(order_id, None)
            self._orders[order_id] = Placed({}, {}, f"{order_id}/{again}" if again else order_id)
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
        self._ended[one.order_id] = placed
        self._withdrawals[one.order_id] = self._withdrawals.get(one.order_id, 0) + 1
        own = (id_ for code, id_ in placed.courses.items() if code not in codes.IN_A_CARE_PLAN)
        for course in (*own, *([placed.care_plan] if placed.care_plan else [])):
            if one.reason == "entered-in-error":
                yield TakenBack(of=course)
            else:
                reason = None if one.reason == COMPLETED else EndReason.EVENT
                yield CourseEnded(of=course, on=local_day(event.at), reason=reason)
        held = HELD.get(one.reason)
        if held is not None:
            yield PlanHeld(request_id=one.referral_id, reason=held)

    def _waived(self, event: Stated) -> Iterator[Fact]:
        one = read(Waived, event)
        yield PlanHeld(request_id=one.referral_id, reason=HoldReason.FREE_CHOICE_DECLINED)

    def _offered(self, event: Stated) -> Iterator[Fact]:
        one = read(Offered, event)
        placed = self._knows(one.order_id, one.step_id, event)
        if placed is not None:
            code = placed.steps[one.step_id].code.code
            yield EncounterOffered(of=placed.courses[code], day=local_day(one.start))

    def _attended(self, event: Stated) -> Iterator[Fact]:
        one = read(Attended, event)
        placed = self._ended.get(one.order_id) or self._knows(one.order_id, one.step_id, event)
        step = placed.steps.get(one.step_id) if placed is not None else None
        if placed is not None and step is not None:
            yield from self._attendance.tell(one, placed.courses[step.code.code], step)

    def _knows(self, order_id: str, step_id: str, event: Stated) -> Placed | None:
        """The order that a session is of; what comes before it waits: between topics no order is
        promised."""
        placed = self._orders.get(order_id)
        if placed is not None and step_id in placed.steps:
            return placed
        self._early.setdefault(order_id, []).append(event)
        return None
