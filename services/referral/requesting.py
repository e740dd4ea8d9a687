"""One referral on another ground, its correction or withdrawal, on its way to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.referral import answers, identity
from services.referral.admitting import (
    TakeRequest,
    decide_request,
    only_referrer,
    proposal_of,
)
from services.referral.amending import decide_correction
from services.referral.commands import Case, Refusal, RevokePlan, Wait
from services.referral.contacts import residence_of, told_by
from services.referral.domain import decide
from services.referral.facts import Fact, Noted
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
    from services.referral.referral import Referral
    from shared.envelope import Event
    from shared.handling import Outcome


class Requesting(Reply):
    """One referral on another ground, its correction or its withdrawal."""

    def _decided(self, document: Readable) -> Outcome:
        assert isinstance(document, Request), "other documents have replies of their own"
        if document.purpose is Purpose.REVOCATION:
            return self._withdrawn(document)
        return self._taken(document)

    def _taken(self, request: Request) -> Outcome:
        """A new referral, or one that corrects another: the same questions are asked of both."""
        one, office, desk = self._one, self._office, self._desk
        municipality = one.municipality
        assert municipality is not None, "misdirected documents are refused before"
        basis = self._basis(request)
        if isinstance(basis, Refusal):
            return self._refusal(request, basis)
        self._same = office.register.renumber(desk, request.person, one.cpr_hash, one.cause)
        known = office.register.look(desk, one.cpr_hash, one.cause)
        mine = known.citizen_id if known is not None else self._new_citizen_id(request)
        told = told_by(request, mine, known, office.register.holder_id)
        target, refused = self._named(request)
        corrects = request.purpose is Purpose.CORRECTION
        command = TakeRequest(
            request=request,
            basis=basis,
            referred_by=request.referred_by
            or one.hospital.referrers.get(request.sender)
            or only_referrer(basis),
            residence=residence_of(told),
            referral_id=target.referral_id
            if corrects and target is not None
            else identity.referral_id(one.hospital.sor, request.document_id),
            citizen_id=mine,
            source=one.hospital.sor,
            municipality=municipality,
            route=lambda programme: route(desk.offers, municipality.provider, programme),
            ordinal=desk.ordinal_of(target) if corrects and target is not None else 0,
        )
        now = one.message.timestamp
        proposal = proposal_of(office.portfolio, command, now)
        case = Case(
            target=target,
            refused=refused,
            others=tuple(r for r in desk.of_citizen(mine) if r.closed is None),
            successor=desk.replacing(one.hospital.sor, request.document_id),
            order=desk.order_of(target),
        )
        result: tuple[Fact, ...] | Refusal | Wait
        if corrects:
            result = decide_correction(case, command, proposal, now)
        else:
            result = decide_request(case, command, proposal, now)
        return self._answered(
            request, command.referral_id, result, told if told is not known else None
        )

    def _named(self, request: Request) -> tuple[Referral | None, bool]:
        """(the referral that an earlier document became, whether that document was refused)."""
        earlier = request.replaces or request.corrects
        document = (
            self._desk.documents.get(self._one.document(earlier)) if earlier is not None else None
        )
        if document is None or document.referral_id is None:
            return None, document is not None
        return self._desk.referrals[document.referral_id], False

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
        target, refused = self._named(request)
        command = RevokePlan(
            plan=request, citizen_id=citizen.citizen_id if citizen is not None else None
        )
        result = decide(Case(target=target, refused=refused), command, one.message.timestamp)
        assert not isinstance(result, tuple) or target is not None, "nothing is taken back"
        return self._answered(request, target.referral_id if target else "", result, None)

    def _answered(
        self,
        request: Request,
        about: str,
        result: tuple[Fact, ...] | Refusal | Wait,
        told: CitizenRecord | None,
    ) -> Outcome:
        match result:
            case Refusal():
                return self._refusal(request, result)
            case Wait(document_id=earlier):
                return self._parked(request, earlier)
            case _:
                return self._accepted(request, about, result, told)

    def _refusal(self, request: Request, refusal: Refusal) -> Outcome:
        return self._refused((answers.refused(request.format, refusal),))

    def _accepted(
        self, request: Request, about: str, facts: Sequence[Fact], told: CitizenRecord | None
    ) -> Outcome:
        desk, one, office = self._desk, self._one, self._office
        facts = self._looked_at(facts, about)
        change = desk.apply(facts)
        events: list[Event] = []
        # The contact goes first: whoever hears of the referral shall find whom to tell.
        if told is not None:
            events.append(office.register.keep(desk, request.person, one.cpr_hash, told, one.cause))
        events += self._events(change)
        if request.purpose is not Purpose.REVOCATION:
            desk.detail(about, office.register.seal_details(request, about))
        notes = [fact.note for fact in facts if isinstance(fact, Noted)]
        events.append(self._settle("ok", answers.noted(request.format, notes), about))
        new = request.purpose is Purpose.NEW
        self._counts["accepted" if new else request.purpose.value] += 1
        return Applied(
            events=events,
            timers=office.timetable.after(change, desk),
            releases=[document_key(one.hospital.sor, request.document_id), referral_key(about)],
        )
