"""One document on its way to its answer.

Every document is answered in its own format. One with an id is answered once for good: the same
document again gets the stored receipt, the same id with other content is refused. A correction
that comes before its original is told to wait, and is taken up when the original has come.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import answers, identity
from services.referral.answers import Acknowledge, Verdict
from services.referral.arrival import Arrival
from services.referral.commands import (
    Case,
    CorrectPlan,
    DocumentCommand,
    Refusal,
    RevokePlan,
    TakePlan,
    Wait,
)
from services.referral.configuration import Directory, Hospitals
from services.referral.contacts import residence_of, told_by
from services.referral.desk import Desk
from services.referral.domain import decide
from services.referral.events import ACKNOWLEDGED, CitizenRecord
from services.referral.facts import Fact, Noted
from services.referral.outgoing import event_of
from services.referral.plan import Plan, Problem, Purpose, Unreadable
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from services.referral.register import Register
from services.referral.store_documents import Document, Waiting
from services.referral.timers import Timetable
from shared.envelope import Event
from shared.handling import Applied, Parked

if TYPE_CHECKING:
    from shared.handling import Outcome, Unit

PATIENCE: Final = timedelta(days=7)
"""How long a correction waits for its original before it is refused."""
NOBODY: Final = ("", "")
"""Who answers where the receiver is unknown."""


def document_key(hospital: str, document_id: str) -> str:
    """What a correction waits for."""
    return f"document:{hospital}/{document_id}"


def referral_key(referral_id: str) -> str:
    """What news of a referral that isn't known yet waits for."""
    return f"referral:{referral_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What documents are answered with."""

    hospitals: Hospitals
    directory: Directory
    portfolio: Portfolio
    register: Register
    timetable: Timetable
    acknowledge: Acknowledge


class Answering:
    """One document on its way to its answer."""

    def __init__(
        self, office: Office, desk: Desk, unit: Unit, arrival: Arrival, counts: Counter[str]
    ) -> None:
        self._office = office
        self._desk = desk
        self._unit = unit
        self._one = arrival
        self._counts = counts

    def outcome(self) -> Outcome:
        """What became of it; everything else is on the desk."""
        one = self._one
        document_id = one.reading.document_id
        if document_id is None:
            return self._anonymous(one.reading)
        known = self._desk.documents.get(one.document(document_id))
        if known is not None:
            return self._again(known)
        if isinstance(one.reading, Unreadable):
            return self._refused(one.reading.problems)
        refusal = self._misdirected(one.reading)
        if refusal is None:
            return self._decided(one.reading)
        return self._refused((answers.refused(one.reading.format, refusal),))

    def _anonymous(self, reading: Plan | Unreadable) -> Outcome:
        one, problems = self._one, reading.problems if isinstance(reading, Unreadable) else ()
        where = answers.unreadable_id(reading.format, *one.origin)
        self._counts["unreadable"] += 1
        return Applied(events=(self._receipt("fatal-error", (*problems, where)),))

    def _again(self, known: Document) -> Outcome:
        one = self._one
        if known.content_hash == one.content_hash:
            self._counts["duplicate"] += 1
            receipt = self._event(zlib.decompress(known.receipt), known.receipt_type)
            return Applied(events=(receipt,))
        self._counts["refused"] += 1
        problem = answers.refused(one.reading.format, answers.ID_TAKEN)
        self._desk.waits_no_more(one.origin)
        return Applied(events=(self._receipt("fatal-error", (problem,)),))

    def _misdirected(self, plan: Plan) -> Refusal | None:
        if plan.sender_sor not in self._one.hospital.senders:
            return answers.FOREIGN_SENDER
        return answers.UNKNOWN_RECEIVER if self._one.municipality is None else None

    def _decided(self, plan: Plan) -> Outcome:
        office, one = self._office, self._one
        known = told = None
        if plan.purpose is Purpose.REVOCATION:
            office.register.find(self._desk, one.cpr_hash, one.cause)
        else:
            known = office.register.look(self._desk, one.cpr_hash, one.cause)
            told = told_by(plan, self._citizen_id() or self._new_citizen_id(plan), known)
        command = self._command(plan, told)
        result = decide(self._case(plan, command), command, one.message.timestamp)
        match result:
            case Refusal():
                return self._refused((answers.refused(plan.format, result),))
            case Wait(document_id=earlier):
                return self._parked(plan, earlier)
            case _:
                return self._accepted(plan, command, result, told if told is not known else None)

    def _citizen_id(self) -> str | None:
        citizen = self._desk.citizens.get(self._one.cpr_hash)
        return citizen.citizen_id if citizen is not None else None

    def _new_citizen_id(self, plan: Plan) -> str:
        return self._office.register.new_id(self._one.hospital.sor, plan.document_id)

    def _command(self, plan: Plan, told: CitizenRecord | None) -> DocumentCommand:
        one, municipality = self._one, self._one.municipality
        assert municipality is not None, "misdirected plans are refused before"
        if told is None:
            return RevokePlan(plan=plan, citizen_id=self._citizen_id())
        terms = self._office.portfolio.terms(plan.type, plan.discharge_date)
        if plan.purpose is Purpose.CORRECTION:
            return CorrectPlan(
                plan=plan,
                residence=residence_of(told),
                citizen_id=self._citizen_id(),
                municipality=municipality,
                terms=terms,
            )
        return TakePlan(
            plan=plan,
            residence=residence_of(told),
            referral_id=identity.referral_id(one.hospital.sor, plan.document_id),
            citizen_id=told.citizen_id,
            hospital=one.hospital.sor,
            municipality=municipality,
            terms=terms,
        )

    def _case(self, plan: Plan, command: DocumentCommand) -> Case:
        desk, one = self._desk, self._one
        citizen = desk.citizens.get(one.cpr_hash)
        mine = desk.of_citizen(citizen.citizen_id) if citizen is not None else []
        target, refused = self._named(plan), False
        if target is None and (earlier := plan.replaces or plan.corrects) is not None:
            refused = one.document(earlier) in desk.documents
            if isinstance(command, TakePlan):
                # A plan may replace one that another hospital sent.
                target = next((r for r in mine if r.document_id == earlier), None)
        return Case(
            target=target,
            refused=refused,
            others=tuple(referral for referral in mine if referral.closed is None),
            successor=desk.replacing(one.hospital.sor, plan.document_id),
        )

    def _named(self, plan: Plan) -> Referral | None:
        """What came of the earlier document that this one names."""
        earlier = plan.replaces or plan.corrects
        if earlier is None:
            return None
        document = self._desk.documents.get(self._one.document(earlier))
        if document is None or document.referral_id is None:
            return None
        return self._desk.referrals[document.referral_id]

    def _accepted(
        self,
        plan: Plan,
        command: DocumentCommand,
        facts: Sequence[Fact],
        told: CitizenRecord | None,
    ) -> Outcome:
        desk, one, office = self._desk, self._one, self._office
        change = desk.apply(facts)
        events: list[Event] = []
        # The contact goes first: whoever hears of the referral shall find whom to tell.
        if told is not None:
            events.append(office.register.keep(desk, plan.person, one.cpr_hash, told, one.cause))
        for fact, after in change.happened:
            performer = office.directory.performers.get(after.provider)
            event = event_of(fact, after, office.portfolio, performer)
            events += [event] if event is not None else []
        releases = [document_key(one.hospital.sor, plan.document_id)]
        if isinstance(command, TakePlan):
            about = command.referral_id
            desk.detail(about, office.register.seal_details(plan, about))
            releases.append(referral_key(about))
        else:
            named = self._named(plan)
            assert named is not None, "the domain lets those wait whose original is unknown"
            about = named.referral_id
        notes = [fact.note for fact in facts if isinstance(fact, Noted)]
        events.append(self._settle("ok", answers.noted(plan.format, notes), about))
        self._counts["accepted" if plan.purpose is Purpose.NEW else plan.purpose.value] += 1
        timers = office.timetable.after(change, desk)
        return Applied(events=events, timers=timers, releases=releases)

    def _refused(self, problems: Sequence[Problem]) -> Outcome:
        """Settles the id: what waits for this document will not get it, and is told so."""
        document_id = self._one.reading.document_id
        assert document_id is not None, "an anonymous document can't be settled"
        self._counts["refused"] += 1
        return Applied(
            events=(self._settle("fatal-error", problems),),
            releases=(document_key(self._one.hospital.sor, document_id),),
        )

    def _parked(self, plan: Plan, earlier: str) -> Outcome:
        one, desk, now = self._one, self._desk, self._unit.now
        waiting = desk.waiting.get(one.origin)
        since = waiting.since if waiting is not None else now
        if now >= since + PATIENCE:
            return self._refused((answers.refused(plan.format, answers.NEVER_CAME),))
        told: tuple[Event, ...] = ()
        if waiting is None:
            told = (self._receipt("transient-error", (answers.waits(plan.format),)),)
            self._counts["waiting"] += 1
            if self._waits_already(plan):
                return Applied(events=told)
            desk.waits(
                Waiting(
                    origin=one.origin,
                    source=one.hospital.sor,
                    document_id=plan.document_id,
                    content_hash=one.content_hash,
                    since=now,
                )
            )
        return Parked(
            waits_for=document_key(one.hospital.sor, earlier),
            until=since + PATIENCE,
            reason="the original has not come",
            events=told,
        )

    def _waits_already(self, plan: Plan) -> bool:
        """Whether the same document, sent before, waits for the same original."""
        one = self._one
        return any(
            (other.source, other.document_id, other.content_hash)
            == (one.hospital.sor, plan.document_id, one.content_hash)
            for other in self._desk.waiting.values()
        )

    def _settle(
        self, outcome: Verdict, problems: Sequence[Problem], referral_id: str | None = None
    ) -> Event:
        """Answers the document for good; `referral_id` is what came of it."""
        one = self._one
        document_id = one.reading.document_id
        assert document_id is not None, "an anonymous document can't be settled"
        value, content_type = self._written(outcome, problems)
        self._desk.answered(
            Document(
                source=one.hospital.sor,
                document_id=document_id,
                content_hash=one.content_hash,
                referral_id=referral_id,
                receipt=zlib.compress(value, 1),
                receipt_type=content_type,
                received_at=one.message.timestamp,
            )
        )
        self._desk.waits_no_more(one.origin)
        return self._event(value, content_type)

    def _receipt(self, outcome: Verdict, problems: Sequence[Problem]) -> Event:
        return self._event(*self._written(outcome, problems))

    def _written(self, outcome: Verdict, problems: Sequence[Problem]) -> tuple[bytes, str]:
        one = self._one
        reading, municipality = one.reading, one.municipality
        return self._office.acknowledge(
            reading.format,
            outcome,
            document_id=reading.document_id,
            sender_sor=reading.sender_sor,
            receiver=(municipality.sor, municipality.name) if municipality else NOBODY,
            problems=problems,
            at=one.message.timestamp,
            receipt_id=identity.receipt_id(
                one.hospital.sor, reading.document_id or one.cause, one.content_hash, outcome
            ),
            original=reading.original,
        )

    def _event(self, value: bytes, content_type: str) -> Event:
        one = self._one
        about = one.reading.document_id or one.cause
        return Event(
            topic=f"hospital.{one.hospital.sor}.receipts",
            key=about,
            type=ACKNOWLEDGED,
            subject=about,
            value=value,
            content_type=content_type,
        )
