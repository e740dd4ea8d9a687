"""What follows from a referral on another ground: which programme admits, and what it orders.

Standard library only. Hospitals' plans are decided in `domain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.referral.authority import for_the_region, ours, told_for_whom
from services.referral.closing import closing
from services.referral.commands import Case, Field, Municipality, Refusal, Residence
from services.referral.facts import Closed, Fact, Noted, OrderPlaced, Received, WorkOpened
from services.referral.identity import order_id
from services.referral.limit import earliest_start, local_day
from services.referral.order import Order
from services.referral.portfolio.register import Route
from services.referral.programme import Programme
from services.referral.programme_policy import Asker, Portfolio
from services.referral.programme_proposal import Answer, Proposal, Question, propose
from services.referral.programme_terms import REFERRERS, Basis, Referrer
from services.referral.referral import CloseReason, Referral
from services.referral.request import Request, age_on
from services.referral.routing import several
from services.referral.side_by_side import beside_the_last
from services.referral.terms import Note, WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRequest:
    """Takes a referral, or its correction.

    `basis` and `referred_by` are what holds after the sender was asked. `route`: where an order of
    a programme, by its id, goes. `ordinal`: of the newest order that was placed before; 0 for none.
    """

    request: Request
    basis: Basis
    referred_by: Referrer | None
    residence: Residence
    referral_id: str
    citizen_id: str
    source: str
    municipality: Municipality
    route: Callable[[str], Route]
    ordinal: int = 0


def only_referrer(basis: Basis) -> Referrer | None:
    """Who refers on this ground where only one can."""
    allowed = REFERRERS[basis]
    return next(iter(allowed)) if len(allowed) == 1 else None


def named_for(programme: Programme, basis: Basis, codes: tuple[str, ...]) -> bool:
    """Whether a programme's rule for this ground names one of these diagnoses (SKS or ICD-10)."""
    plain = [code.upper().removeprefix("D") if len(code) > 3 else code.upper() for code in codes]
    return any(
        code.startswith(beginning)
        for rule in programme.admissions
        if rule.basis is basis
        for beginning in rule.diagnoses
        for code in plain
    )


def proposal_of(portfolio: Portfolio, command: TakeRequest, now: datetime) -> Proposal | None:
    """What the programmes' files say of it; None where it asks for a programme that isn't there.

    Where several admit, the one whose rule names the citizen's diagnosis takes it.
    """
    request = command.request
    if request.programme is not None and request.programme not in portfolio.programmes:
        return None
    asker = Asker(
        basis=command.basis,
        referred_by=command.referred_by,
        age=age_on(request.person, request.asked),
    )
    question = Question(
        asker=asker,
        day=request.asked,
        received_at=now,
        runs_for_region=command.municipality.runs_for_region,
    )
    found = propose(portfolio, question, request.programme)
    if found.answer is Answer.SEVERAL:
        codes = tuple(code for _, code, _ in request.diagnoses if code)
        named = [
            id_
            for id_ in found.admitted
            if named_for(portfolio.programmes[id_], command.basis, codes)
        ]
        if len(named) == 1:
            return propose(portfolio, question, named[0])
    return found


def decide_request(
    case: Case, command: TakeRequest, proposal: Proposal | None, now: datetime
) -> tuple[Fact, ...] | Refusal:
    """Facts in the order in which they happen, or why not. `now`: when the broker took it.

    `case.target` is the referral that the new one replaces, `case.successor` the one that has
    already replaced it.
    """
    refusal = not_admitted(command, proposal)
    if refusal is not None:
        return refusal
    assert proposal is not None, "refused before"
    request, replaced = command.request, case.target
    if request.replaces == request.document_id:
        return Refusal(Field.REPLACES, "value", "Henvisningen kan ikke erstatte sig selv.")
    if replaced is not None and replaced.citizen_id != command.citizen_id:
        return Refusal(
            Field.REPLACES, "value", "Den henvisning, som skal erstattes, gælder en anden borger."
        )
    return tuple(_taken(case, command, proposal, now))


def not_admitted(command: TakeRequest, proposal: Proposal | None) -> Refusal | None:
    """Why nobody here can do what the referral asks; None where somebody can."""
    request = command.request
    if proposal is None:
        return Refusal(Field.PROGRAMME, "not-found", "Tilbuddet findes ikke her.")
    if request.consent is False:
        return Refusal(Field.CONSENT, "business-rule", "Borgeren har ikke givet samtykke.")
    if command.basis is Basis.RELATIVE and not request.consent:
        return Refusal(
            Field.CONSENT,
            "required",
            "Den pårørende, som selv deltager, skal have givet sit eget samtykke.",
        )
    match proposal.answer:
        case Answer.NOBODY:
            return Refusal(
                Field.PROGRAMME,
                "business-rule",
                "Ingen af tilbuddets regler for henvisning passer: grundlag, henviser og alder.",
            )
        case Answer.JUST_COME:
            return Refusal(
                Field.PROGRAMME,
                "business-rule",
                "Tilbuddet kræver ingen henvisning: borgeren kommer bare.",
            )
    return None


def _taken(case: Case, command: TakeRequest, proposal: Proposal, now: datetime) -> Iterator[Fact]:
    request, law, replaced = command.request, proposal.law, case.target
    if replaced is not None and replaced.closed is None:
        yield from closing(replaced, CloseReason.REVOKED, WithdrawReason.REPLACED, now)
    rule = law.limit if law is not None else None
    programme = proposal.programme
    route = command.route(programme.id) if programme is not None else None
    provider = route.provider if route is not None else None
    referral = Referral(
        referral_id=command.referral_id,
        citizen_id=command.citizen_id,
        hospital=command.source,
        document_id=request.document_id,
        municipality=command.municipality.code,
        provider=provider or command.municipality.provider,
        type=None,
        basis=command.basis,
        programme=programme.id if programme is not None else None,
        discharge_date=request.asked,
        later_start=None,
        received_at=now,
        limit=proposal.limit,
        may_choose=rule is not None and rule.free_choice,
        limit_known_at=now,
        replaces=replaced.referral_id if replaced is not None else None,
        replaces_document=request.replaces,
    )
    yield Received(referral)
    me = referral.referral_id
    if case.successor is not None:
        yield Closed(referral_id=me, reason=CloseReason.REVOKED, at=now)
        yield Noted(Note.ALREADY_REPLACED)
        return
    if request.replaces is not None and replaced is None:
        yield WorkOpened(referral_id=me, reason=WorkReason.REPLACED_UNKNOWN)
        yield Noted(Note.REPLACED_UNKNOWN)
    if programme is None:
        yield WorkOpened(referral_id=me, reason=WorkReason.PROGRAMME_TO_CHOOSE)
        yield Noted(Note.PROGRAMME_TO_CHOOSE)
    elif not ours(programme, request.asked, command.municipality):
        yield from for_the_region(referral, programme)
    elif provider is None or proposal.answer is not Answer.ORDERED:
        yield WorkOpened(referral_id=me, reason=WorkReason.NOT_ESTABLISHED, about=programme.id)
        yield Noted(Note.NOT_ESTABLISHED)
    else:
        yield OrderPlaced(
            referral_id=me,
            order=order_asked_for(referral, programme, command, now),
        )
        yield from told_for_whom(programme, request.asked)
        yield from several(me, route, programme.id)
    mine = replaced.referral_id if replaced is not None else None
    others = tuple(other for other in case.others if other.referral_id != mine)
    yield from beside_the_last(referral, others)


def order_asked_for(
    referral: Referral, programme: Programme, command: TakeRequest, now: datetime
) -> Order:
    """The next order of a referral, by what its document says of the citizen's needs."""
    first = order_of(
        referral,
        programme,
        command.residence,
        vulnerable=command.request.vulnerable,
        transport=command.request.transport,
        now=now,
    )
    return replace(first, order_id=order_id(referral.referral_id, command.ordinal + 1))


def order_of(
    referral: Referral,
    programme: Programme,
    residence: Residence,
    *,
    vulnerable: bool,
    transport: bool,
    now: datetime,
) -> Order:
    """The first order of a programme for a referral."""
    return Order(
        order_id=order_id(referral.referral_id, 1),
        programme=programme.id,
        steps=programme.opening,
        earliest=_earliest(referral, now),
        limit=referral.limit,
        bedside=False,
        vulnerable=vulnerable,
        postcode=residence.postcode,
        language=residence.language,
        transport=transport,
    )


def _earliest(referral: Referral, now: datetime) -> date:
    """A referral that is written ahead delays nothing; a discharge that lies ahead does."""
    if referral.basis is Basis.HOSPITAL:
        return earliest_start(now, referral.begins, referral.later_start)
    return earliest_start(now, min(referral.discharge_date, local_day(now)), None)


def may_have(programme: Programme, basis: Basis) -> bool:
    """Whether the referral desk may choose a programme for a referral on this ground.

    Who refers and at what age is for the desk to weigh; a plan's programmes need a plan.
    """
    return programme.ordered_here and any(rule.basis is basis for rule in programme.admissions)
