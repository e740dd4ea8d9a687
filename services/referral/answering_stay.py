"""One HospitalNotification on its way to its answer.

They come for all residents. One about somebody who has no referral is acknowledged, and nothing of
it is kept; the receipt doesn't tell which of them it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import answers
from services.referral.arrival import Readable
from services.referral.authority import moved_over
from services.referral.evolving import evolve
from services.referral.facts import Fact, Noted, Revised
from services.referral.interruptions import HearOfStay, decide_stay
from services.referral.replying import Reply
from services.referral.stay import HospitalNotification
from services.referral.stays import StayMessage, stays_of
from shared.handling import Applied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.referral.order import Order
    from services.referral.referral import Referral
    from shared.envelope import Event
    from shared.handling import CancelTimer, Outcome, SetTimer

AHEAD: Final = timedelta(days=2)
"""How far a stay's instants may lie ahead: clocks differ, and a discharge may be written early."""


@dataclass(slots=True)
class _Done:
    events: list[Event]
    timers: list[SetTimer | CancelTimer]
    notes: list[Noted]


class StayReply(Reply):
    """One notification on its way to its answer."""

    def _decided(self, document: Readable) -> Outcome:
        assert isinstance(document, HospitalNotification), "other documents have other replies"
        if self._is_ahead(document):
            return self._refused((answers.refused(document.format, answers.NOT_YET),))
        citizen = self._desk.citizens.get(self._one.cpr_hash)
        mine = self._desk.of_citizen(citizen.citizen_id) if citizen is not None else []
        if citizen is None or not mine:
            self._counts["unmatched"] += 1
            return Applied(events=(self._receipt("ok", ()),))
        before = tuple(self._desk.stays.get(citizen.citizen_id, ()))
        after = (*before, _kept(self._one.hospital.sor, document))
        self._desk.told_of_stay(citizen.citizen_id, after[-1])
        command = HearOfStay(
            document_id=document.document_id, before=stays_of(before), after=stays_of(after)
        )
        done = _Done([], [], [])
        self._live_or_die(command, done)
        for referral in mine:
            self._carry_out(referral, command, done)
        self._counts["notification"] += 1
        notes = [one.note for one in done.notes]
        receipt = self._settle("ok", answers.noted(document.format, notes), mine[-1].referral_id)
        return Applied(events=(*done.events, receipt), timers=done.timers)

    def _is_ahead(self, document: HospitalNotification) -> bool:
        """Whether it tells of what can't have happened: a slip of the pen would move a limit."""
        latest = self._one.message.timestamp + AHEAD
        return any(at is not None and at > latest for at in (document.started, document.ended))

    def _live_or_die(self, command: HearOfStay, done: _Done) -> None:
        """Publishes death, or that it was an error, before anything that follows from it."""
        office, one = self._office, self._one
        if command.died == command.dies:
            office.register.find(self._desk, one.cpr_hash, one.cause)
            return
        known = office.register.look(self._desk, one.cpr_hash, one.cause)
        assert known is not None, "the citizen is on the desk"
        told = known.model_copy(update={"deceased": command.dies, "version": known.version + 1})
        done.events.append(office.register.rewrite(self._desk, one.cpr_hash, told, one.cause))

    def _carry_out(self, referral: Referral, command: HearOfStay, done: _Done) -> None:
        office, desk = self._office, self._desk
        day = referral.discharge_date
        terms = office.portfolio.standing(referral.type, referral.programme, day)
        rule = terms.law.limit if terms is not None else None
        order = desk.order_of(referral)
        facts = decide_stay(referral, order, rule, command, self._one.message.timestamp)
        change = desk.apply((*facts, *self._over_the_change(referral, order, facts)))
        done.events += self._events(change)
        done.timers += office.timetable.after(change, desk)
        done.notes += [fact for fact in facts if isinstance(fact, Noted)]

    def _over_the_change(
        self, referral: Referral, order: Order | None, facts: Sequence[Fact]
    ) -> Iterator[Fact]:
        """What a discharge that a stay corrects means for who is responsible."""
        municipality = self._office.directory.by_code.get(referral.municipality)
        programme = self._office.portfolio.programmes.get(order.programme) if order else None
        for fact in facts:
            if isinstance(fact, Revised) and programme is not None and municipality is not None:
                before, after = referral.discharge_date, evolve(referral, fact)
                now = self._one.message.timestamp
                yield from moved_over(after, programme, before, municipality, now)


def _kept(hospital: str, notification: HospitalNotification) -> StayMessage:
    return StayMessage(
        hospital=hospital,
        document_id=notification.document_id,
        stay=notification.stay,
        event=notification.event,
        change=notification.change,
        previous=notification.previous,
        started=notification.started,
        ended=notification.ended,
    )
