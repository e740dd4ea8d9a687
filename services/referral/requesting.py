"""One referral on another ground, or its withdrawal, on its way to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.referral import answers, identity
from services.referral.admitting import (
    TakeRequest,
    decide_request,
    only_referrer,
    proposal_of,
)
from services.referral.commands import Case, Refusal, RevokePlan, Wait
from services.referral.contacts import residence_of, told_by
from services.referral.domain import decide
from services.referral.facts import Fact, Noted
from services.referral.outgoing import events_of
from services.referral.plan import Purpose
from services.referral.portfolio.register import route
from services.referral.replying import Reply, document_key, referral_key
from services.referral.request import Request
from shared.handling import Applied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.referral.arrival import Readable
    from services.referral.events_citizen import CitizenRecord
    from services.referral.programme_terms import Basis
    from shared.envelope import Event
    from shared.handling import Outcome


class Requesting(Reply):
    """One referral on another ground, or its withdrawal."""

    def _decided(self, document: Readable) -> Outcome:
        assert isinstance(document, Request), "other documents have replies of their own"
        match document.purpose:
            case Purpose.NEW:
                return self._taken(document)
            case Purpose.REVOCATION:
                return self._withdrawn(document)
            case _:
                return self._refusal(document, answers.CANT_CORRECT)

    def _taken(self, request: Request) -> Outcome:
        one, office, municipality = self._one, self._office, self._one.municipality
        assert municipality is not None, "misdirected documents are refused before"
        basis = self._basis(request)
        if isinstance(basis, Refusal):
            return self._refusal(request, basis)
        office.register.renumber(self._desk, request.person, one.cpr_hash, one.cause)
        known = office.register.look(self._desk, one.cpr_hash, one.cause)
        mine = known.citizen_id if known is not None else self._new_citizen_id(request)
        told = told_by(request, mine, known, office.register.holder_id)
        command = TakeRequest(
            request=request,
            basis=basis,
            referred_by=request.referred_by
            or one.hospital.referrers.get(request.sender)
            or only_referrer(basis),
            residence=residence_of(told),
            referral_id=identity.referral_id(one.hospital.sor, request.document_id),
            citizen_id=mine,
            source=one.hospital.sor,
            municipality=municipality,
            route=lambda programme: route(self._desk.offers, municipality.provider, programme),
        )
        now = one.message.timestamp
        open_ones = (r for r in self._desk.of_citizen(mine) if r.closed is None)
        proposal = proposal_of(office.portfolio, command, now)
        result = decide_request(Case(others=tuple(open_ones)), command, proposal, now)
        if isinstance(result, Refusal):
            return self._refusal(request, result)
        about = command.referral_id
        return self._accepted(request, about, result, told if told is not known else None)

    def _basis(self, request: Request) -> Basis | Refusal:
        """The ground: the document's where its sender may refer on it, else the sender's only."""
        allowed = self._one.hospital.bases
        if request.basis is not None:
            return request.basis if request.basis in allowed else answers.WRONG_BASIS
        return next(iter(allowed)) if len(allowed) == 1 else answers.NO_BASIS

    def _new_citizen_id(self, request: Request) -> str:
        return self._office.register.new_id(self._one.hospital.sor, request.document_id)

    def _withdrawn(self, request: Request) -> Outcome:
        one, desk = self._one, self._desk
        self._office.register.find(desk, one.cpr_hash, one.cause)
        citizen = desk.citizens.get(one.cpr_hash)
        earlier = request.corrects
        document = desk.documents.get(one.document(earlier)) if earlier is not None else None
        target = (
            desk.referrals[document.referral_id]
            if document is not None and document.referral_id is not None
            else None
        )
        command = RevokePlan(
            plan=request, citizen_id=citizen.citizen_id if citizen is not None else None
        )
        case = Case(target=target, refused=document is not None and target is None)
        result = decide(case, command, one.message.timestamp)
        if isinstance(result, Wait):
            # Nobody corrects a referral's dates, so nothing would come that this could wait for.
            return self._refusal(request, answers.NEVER_CAME)
        if isinstance(result, Refusal):
            return self._refusal(request, result)
        assert target is not None, "without a referral nothing is decided"
        return self._accepted(request, target.referral_id, result, None)

    def _refusal(self, request: Request, refusal: Refusal) -> Outcome:
        return self._refused((answers.refused(request.format, refusal),))

    def _accepted(
        self, request: Request, about: str, facts: Sequence[Fact], told: CitizenRecord | None
    ) -> Outcome:
        desk, one, office = self._desk, self._one, self._office
        change = desk.apply(facts)
        events: list[Event] = []
        # The contact goes first: whoever hears of the referral shall find whom to tell.
        if told is not None:
            events.append(office.register.keep(desk, request.person, one.cpr_hash, told, one.cause))
        for fact, after in change.happened:
            events += events_of(fact, after, office.portfolio, office.directory)
        if request.purpose is Purpose.NEW:
            desk.detail(about, office.register.seal_details(request, about))
        notes = [fact.note for fact in facts if isinstance(fact, Noted)]
        events.append(self._settle("ok", answers.noted(request.format, notes), about))
        self._counts["accepted" if request.purpose is Purpose.NEW else "revocation"] += 1
        return Applied(
            events=events,
            timers=office.timetable.after(change, desk),
            releases=[document_key(one.hospital.sor, request.document_id), referral_key(about)],
        )
