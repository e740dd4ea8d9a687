"""The statutory clock: what offers, lack of capacity and passing time lead to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.referral.clock import decide_clock
from services.referral.commands import (
    Case,
    ClockCommand,
    CountOffer,
    DropOffer,
    FaceInfeasible,
    PassLimit,
    WarnOfLimit,
)
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    HospitalTold,
    LimitAtRisk,
    LimitMissed,
    OfferCounted,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.limit import local_day
from services.referral.order import Offer
from services.referral.plan import PlanType
from services.referral.referral import FreeChoiceReason, Referral, deadlines
from services.referral.terms import Told, WorkReason
from shared.handling import CancelTimer, SetTimer
from tests.unit.referral.factories import (
    NOW,
    a_plan,
    after,
    an_accepted_referral,
    an_office,
    correcting,
    facts_of,
    revoking,
)

LIMIT = date(2022, 5, 31)
HOUR = timedelta(hours=1)


def an_offer(day: date, revision: int = 1) -> Offer:
    return Offer(
        session_id="session-1",
        revision=revision,
        start=datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
        location=("H1", "Genoptræningscenteret", "Testvej 2", "4300"),
    )


def happens(referral: Referral, *commands: ClockCommand) -> tuple[Referral, list[Fact]]:
    said: list[Fact] = []
    for command in commands:
        facts = decide_clock(Case(target=referral), command, NOW)
        referral = after(referral, facts)
        said += facts
    return referral, said


def offered(*days: date) -> list[ClockCommand]:
    return [CountOffer(offer=an_offer(day, n)) for n, day in enumerate(days, start=1)]


NO_ROOM = FaceInfeasible(cause="no-capacity-inside-limit", capacity_known=True)
NOTHING_KNOWN = FaceInfeasible(cause="no-capacity-known", capacity_known=False)


def reasons(said: list[Fact]) -> list[FreeChoiceReason]:
    return [fact.reason for fact in said if isinstance(fact, FreeChoiceOpened)]


def work(said: list[Fact]) -> list[WorkReason]:
    return [fact.reason for fact in said if isinstance(fact, WorkOpened)]


def test_an_offer_inside_the_limit_stops_the_clock() -> None:
    referral, said = happens(
        an_accepted_referral(), *offered(LIMIT), WarnOfLimit(limit=LIMIT), PassLimit(limit=LIMIT)
    )
    assert referral.started_in_time
    assert [type(fact) for fact in said] == [OfferCounted, HospitalTold]


def test_an_offer_counts_even_if_it_is_cancelled_later() -> None:
    dropped = DropOffer(offer=an_offer(date(2022, 5, 28), 2), by_withdrawal=False)
    referral, said = happens(
        an_accepted_referral(), *offered(date(2022, 5, 28)), dropped, PassLimit(limit=LIMIT)
    )
    assert referral.started_in_time
    assert LimitMissed not in map(type, said)
    assert work(said) == [WorkReason.OFFER_LOST], "a human sees that nobody has offered anew"


def test_an_offer_on_the_day_after_the_limit_opens_free_choice() -> None:
    referral, said = happens(an_accepted_referral(), *offered(date(2022, 6, 1)))
    assert reasons(said) == [FreeChoiceReason.INFEASIBLE]
    assert not referral.started_in_time


def test_the_day_of_an_offer_is_the_local_day() -> None:
    late_evening = datetime(2022, 5, 31, 22, 30, tzinfo=UTC)  # 00:30 on 1 June in Denmark
    offer = Offer(session_id="s", revision=1, start=late_evening, location=None)
    _, said = happens(an_accepted_referral(), CountOffer(offer=offer))
    assert reasons(said) == [FreeChoiceReason.INFEASIBLE]


def test_free_choice_opens_as_soon_as_the_limit_is_known_to_be_out_of_reach() -> None:
    referral, said = happens(an_accepted_referral(), NO_ROOM)
    assert reasons(said) == [FreeChoiceReason.INFEASIBLE]
    _, later = happens(referral, NO_ROOM, WarnOfLimit(limit=LIMIT), *offered(date(2022, 6, 2)))
    assert reasons(later) == []
    assert LimitAtRisk not in map(type, later)


def test_unknown_capacity_is_a_humans_matter_and_the_clock_runs_on() -> None:
    referral, said = happens(an_accepted_referral(), NOTHING_KNOWN)
    assert (reasons(said), work(said)) == ([], [WorkReason.NO_CAPACITY_KNOWN])
    _, later = happens(referral, WarnOfLimit(limit=LIMIT), PassLimit(limit=LIMIT))
    assert [type(fact) for fact in later] == [LimitAtRisk, LimitMissed, FreeChoiceOpened]
    assert reasons(later) == [FreeChoiceReason.LIMIT_MISSED]


def test_an_offer_inside_the_limit_after_free_choice_is_a_humans_matter() -> None:
    _, said = happens(an_accepted_referral(), NO_ROOM, *offered(date(2022, 5, 30)))
    assert work(said) == [WorkReason.FREE_CHOICE_TO_RECONSIDER]


def test_lack_of_room_after_an_offer_that_counted_opens_nothing() -> None:
    _, said = happens(an_accepted_referral(), *offered(date(2022, 5, 28)), NO_ROOM)
    assert (reasons(said), work(said)) == ([], [WorkReason.INFEASIBLE])


def test_warning_and_miss_are_said_once() -> None:
    warn, passed = WarnOfLimit(limit=LIMIT), PassLimit(limit=LIMIT)
    _, said = happens(an_accepted_referral(), warn, warn, passed, passed)
    assert [type(fact) for fact in said] == [LimitAtRisk, LimitMissed, FreeChoiceOpened]


def test_a_timer_of_a_limit_that_was_corrected_says_nothing() -> None:
    old = date(2022, 5, 30)
    _, said = happens(an_accepted_referral(), WarnOfLimit(limit=old), PassLimit(limit=old))
    assert said == []


def test_a_closed_referral_hears_nothing() -> None:
    referral = an_accepted_referral()
    back = revoking(a_plan(document_id="back", corrects="plan-1"))
    closed = after(referral, facts_of(decide(Case(target=referral), back, NOW)))
    _, said = happens(
        closed,
        *offered(date(2022, 5, 28)),
        NO_ROOM,
        WarnOfLimit(limit=LIMIT),
        PassLimit(limit=LIMIT),
    )
    assert said == []


def test_hospital_level_has_no_clock() -> None:
    referral = an_accepted_referral(type=PlanType.GENOPTRAENING_SPECIALISERET)
    nothing = deadlines(referral, at_risk_days=3, grace=HOUR)
    assert (nothing.at_risk, nothing.missed) == (None, None)


def test_the_hospital_hears_of_offers_and_of_their_loss() -> None:
    dropped = DropOffer(offer=an_offer(date(2022, 5, 28), 3), by_withdrawal=False)
    _, said = happens(
        an_accepted_referral(), *offered(date(2022, 5, 28), date(2022, 5, 29)), dropped
    )
    told = [fact for fact in said if isinstance(fact, HospitalTold)]
    assert [one.state for one in told] == [Told.OFFERED, Told.OFFERED, Told.CANCELLED]
    assert all(one.offer is not None for one in told)


# -- timers --------------------------------------------------------------------------------------


def timers(before: Referral | None, referral: Referral) -> dict[str, datetime | None]:
    """What is set (with its due time) or removed (None), by kind."""
    found: dict[str, datetime | None] = {}
    for timer in an_office().timetable.between(before, referral):
        match timer:
            case SetTimer(kind=kind, due=due):
                found[kind] = due
            case CancelTimer(kind=kind):
                found[kind] = None
    return found


def test_a_new_referral_sets_both_timers() -> None:
    assert timers(None, an_accepted_referral()) == {
        "limit.at-risk": datetime(2022, 5, 28, 6, tzinfo=UTC),  # 08:00 in Denmark
        "limit.missed": datetime(2022, 5, 31, 22, tzinfo=UTC),  # midnight in Denmark
    }


def test_a_plan_that_comes_with_less_than_the_warning_time_has_an_hour_for_its_offer() -> None:
    received = datetime(2022, 5, 29, 9, tzinfo=UTC)
    assert timers(None, an_accepted_referral(received))["limit.at-risk"] == received + HOUR


def test_a_plan_that_came_too_late_sets_no_timer() -> None:
    assert timers(None, an_accepted_referral(datetime(2022, 6, 5, tzinfo=UTC))) == {}


def test_an_offer_in_time_removes_the_timers() -> None:
    referral = an_accepted_referral()
    booked, _ = happens(referral, *offered(date(2022, 5, 28)))
    assert timers(referral, booked) == {"limit.at-risk": None, "limit.missed": None}


def test_free_choice_removes_the_warning_and_leaves_the_limit() -> None:
    referral = an_accepted_referral()
    opened, _ = happens(referral, NO_ROOM)
    assert timers(referral, opened) == {"limit.at-risk": None}


def test_a_corrected_date_sets_the_timers_anew() -> None:
    referral = an_accepted_referral()
    plan = a_plan(document_id="c", corrects="plan-1", discharge_date=date(2022, 5, 27))
    facts = facts_of(decide(Case(target=referral), correcting(plan), NOW))
    assert timers(referral, after(referral, facts)) == {
        "limit.at-risk": datetime(2022, 5, 31, 6, tzinfo=UTC),
        "limit.missed": datetime(2022, 6, 3, 22, tzinfo=UTC),
    }


# -- properties ----------------------------------------------------------------------------------

DAYS = st.dates(date(2022, 5, 20), date(2022, 6, 20))
COMMANDS = st.one_of(
    DAYS.map(lambda day: CountOffer(offer=an_offer(day))),
    st.builds(DropOffer, offer=DAYS.map(an_offer), by_withdrawal=st.booleans()),
    st.sampled_from([NO_ROOM, NOTHING_KNOWN]),
    st.just(WarnOfLimit(limit=LIMIT)),
    st.just(PassLimit(limit=LIMIT)),
)


@given(st.lists(COMMANDS, max_size=12))
def test_whatever_happens_each_alarm_is_raised_once_at_most(commands: list[ClockCommand]) -> None:
    _, said = happens(an_accepted_referral(), *commands)
    for kind in (LimitAtRisk, LimitMissed, FreeChoiceOpened):
        assert sum(isinstance(fact, kind) for fact in said) <= 1


@given(st.lists(COMMANDS, max_size=12))
def test_once_started_in_time_nothing_is_missed_and_no_choice_opens(
    commands: list[ClockCommand],
) -> None:
    started, _ = happens(an_accepted_referral(), *offered(date(2022, 5, 28)))
    referral, said = happens(started, *commands)
    assert referral.started_in_time
    assert not any(isinstance(f, (LimitAtRisk, LimitMissed, FreeChoiceOpened)) for f in said)


@given(st.lists(COMMANDS, max_size=12))
def test_a_limit_that_passes_without_an_offer_always_opens_free_choice(
    commands: list[ClockCommand],
) -> None:
    referral, _ = happens(an_accepted_referral(), *commands, PassLimit(limit=LIMIT))
    assert referral.started_in_time or referral.free_choice is not None
    assert referral.started_in_time or referral.missed


class Clockwork(RuleBasedStateMachine):
    """Timers as the service sets and removes them fire as the runtime would fire them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.referral = an_accepted_referral()
        self.timetable = an_office().timetable
        self.set: dict[str, SetTimer] = {}
        self._follow(None)

    def _follow(self, before: Referral | None) -> None:
        for timer in self.timetable.between(before, self.referral):
            if isinstance(timer, SetTimer):
                self.set[timer.kind] = timer
            else:
                self.set.pop(timer.kind, None)

    def _decide(self, command: ClockCommand, at: datetime) -> None:
        before = self.referral
        for fact in decide_clock(Case(target=before), command, at):
            self.referral = evolve(self.referral, fact)
        self._follow(before)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        for kind, timer in sorted(self.set.items(), key=lambda item: item[1].due):
            if timer.due <= self.now and self.set.get(kind) is timer:
                del self.set[kind]
                limit = date.fromisoformat(timer.data.decode())
                command = (
                    PassLimit(limit=limit) if kind == "limit.missed" else WarnOfLimit(limit=limit)
                )
                self._decide(command, timer.due)

    @rule(days=st.integers(1, 12))
    def a_session_is_offered(self, days: int) -> None:
        self._decide(
            CountOffer(offer=an_offer(local_day(self.now) + timedelta(days=days))), self.now
        )

    @rule(known=st.booleans())
    def there_is_no_room(self, known: bool) -> None:
        self._decide(NO_ROOM if known else NOTHING_KNOWN, self.now)

    @precondition(lambda self: self.referral.closed is None)
    @rule(days=st.integers(-3, 10))
    def the_discharge_is_corrected(self, days: int) -> None:
        before = self.referral
        plan = a_plan(
            document_id="c",
            corrects="plan-1",
            discharge_date=before.discharge_date + timedelta(days=days),
        )
        facts = decide(Case(target=before), correcting(plan), self.now)
        if isinstance(facts, tuple):
            self.referral = after(self.referral, facts)
            self._follow(before)

    @invariant()
    def a_waiting_clock_is_never_without_a_timer_or_a_free_choice(self) -> None:
        if self.referral.waits:
            assert "limit.missed" in self.set or self.referral.free_choice is not None

    @invariant()
    def a_limit_that_has_passed_without_an_offer_has_opened_free_choice(self) -> None:
        referral = self.referral
        if referral.waits and referral.limit is not None and local_day(self.now) > referral.limit:
            due = self.set.get("limit.missed")
            assert referral.free_choice is not None or (due is not None and due.due <= self.now)

    @invariant()
    def timers_speak_of_the_limit_that_holds(self) -> None:
        for timer in self.set.values():
            assert self.referral.limit is not None
            assert timer.data.decode() == self.referral.limit.isoformat()


TestClockwork = pytest.mark.timeout(120)(Clockwork.TestCase)
