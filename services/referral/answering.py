"""One plan, correction or revocation on its way to its answer.

A correction that comes before its original is told to wait, and is taken up when the original has
come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.referral import answers, identity
from services.referral.arrival import Readable
from services.referral.commands import (
    Case,
    CorrectPlan,
    DocumentCommand,
    Refusal,
    RevokePlan,
    TakePlan,
    Wait,
)
from services.referral.contacts import residence_of, told_by
from services.referral.domain import decide
from services.referral.events_citizen import CitizenRecord
from services.referral.facts import Fact, Noted
from services.referral.plan import Plan, Purpose
from services.referral.portfolio.register import route
from services.referral.referral import Referral
from services.referral.replying import Reply, document_key, referral_key
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.envelope import Event
    from shared.handling import Outcome


class Answering(Reply):
    """One plan, correction or revocation on its way to its answer."""

    def _decided(self, document: Readable) -> Outcome:
        assert isinstance(document, Plan), "other documents have replies of their own"
        plan = document
        office, one = self._office, self._one
        known = told = None
        if plan.purpose is Purpose.REVOCATION:
            office.register.find(self._desk, one.cpr_hash, one.cause)
        else:
            self._same = office.register.renumber(self._desk, plan.person, one.cpr_hash, one.cause)
            known = office.register.look(self._desk, one.cpr_hash, one.cause)
            mine = self._citizen_id() or self._new_citizen_id(plan)
            told = told_by(plan, mine, known, office.register.holder_id)
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
            route=route(self._desk.offers, municipality.provider, terms.programme.id),
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
            order=desk.order_of(target),
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
        if isinstance(command, TakePlan):
            facts = self._looked_at(facts, command.referral_id)
        change = desk.apply(facts)
        events: list[Event] = []
        # The contact goes first: whoever hears of the referral shall find whom to tell.
        if told is not None:
            events.append(office.register.keep(desk, plan.person, one.cpr_hash, told, one.cause))
        events += self._events(change)
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
