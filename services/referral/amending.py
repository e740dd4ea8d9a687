"""What follows from the correction of a referral on another ground than a hospital's plan.

A correction is the whole referral once more. Who attends, who receives and the ground stay as they
were: where these are wrong, the referral is taken back and sent anew. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.referral.admitting import TakeRequest, not_admitted, order_asked_for
from services.referral.authority import moved_over, ours
from services.referral.commands import Case, Field, Refusal, Wait
from services.referral.domain import another_citizen, named
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    Noted,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Revised,
    WorkClosed,
)
from services.referral.limit import limit_of
from services.referral.order import Order
from services.referral.programme import Programme
from services.referral.programme_proposal import Answer, Proposal
from services.referral.referral import Referral
from services.referral.settling import settling
from services.referral.terms import Note, WithdrawReason, WorkReason

_INSTEAD = "træk henvisningen tilbage, og send en ny."
_SETTLED = frozenset({WorkReason.PROGRAMME_TO_CHOOSE, WorkReason.NOT_ESTABLISHED})


def decide_correction(
    case: Case, command: TakeRequest, proposal: Proposal | None, now: datetime
) -> tuple[Fact, ...] | Refusal | Wait:
    """Facts in the order in which they happen, or why not, or what has to come first."""
    referral = named(case, command.request)
    if not isinstance(referral, Referral):
        return referral
    refusal = _unlike(referral, command) or not_admitted(command, proposal)
    if refusal is not None:
        return refusal
    assert proposal is not None, "refused before"
    if _programme_stays(referral, proposal):
        return tuple(_corrected(referral, case.order, command, proposal, now)) or (
            Noted(Note.NOTHING_CHANGED),
        )
    return _another_programme(referral, case.order, command, proposal, now)


def _unlike(referral: Referral, command: TakeRequest) -> Refusal | None:
    if referral.closed is not None:
        text = "Den henvisning, som skal rettes, er afsluttet: send en ny."
        return Refusal(Field.CORRECTS, "value", text)
    if referral.citizen_id != command.citizen_id:
        return another_citizen()
    if referral.municipality != command.municipality.code:
        return Refusal(Field.RECEIVER, "value", f"Modtageren kan ikke rettes: {_INSTEAD}")
    if referral.basis is not command.basis:
        return Refusal(Field.BASIS, "value", f"Grundlaget kan ikke rettes: {_INSTEAD}")
    return None


def _programme_stays(referral: Referral, proposal: Proposal) -> bool:
    """Whether the correction leaves the choice as it is: it names the same, or leaves it open."""
    return proposal.programme is None or proposal.programme.id == referral.programme


def _revised(
    referral: Referral, command: TakeRequest, proposal: Proposal, now: datetime
) -> Revised | None:
    asked = command.request.asked
    begins = max(asked, referral.clock_from or asked)
    law = proposal.law
    limit = limit_of(law.limit, begins, None) if law is not None else referral.limit
    after = {"discharge_date": asked, "limit": limit}
    changed = tuple(name for name, value in after.items() if getattr(referral, name) != value)
    if not changed:
        return None
    return Revised(
        referral_id=referral.referral_id,
        changed=changed,
        discharge_date=asked,
        later_start=None,
        limit=limit,
        clock_from=referral.clock_from,
        at=now,
    )


def _corrected(
    referral: Referral,
    order: Order | None,
    command: TakeRequest,
    proposal: Proposal,
    now: datetime,
) -> Iterator[Fact]:
    """The same programme, or the one that was chosen: what was decided since about its steps stays.

    A need that somebody has found stays, too: the referral's silence takes nothing away.
    """
    revised = _revised(referral, command, proposal, now)
    request, programme = command.request, proposal.programme
    if revised is not None:
        yield revised
        before, referral = referral.discharge_date, evolve(referral, revised)
        if programme is not None:
            where = tuple(moved_over(referral, programme, before, command.municipality, now))
            yield from where
            if any(isinstance(fact, WorkClosed) for fact in where) and not referral.order_stands:
                placed = order_asked_for(referral, programme, command, now)
                yield OrderPlaced(referral_id=referral.referral_id, order=placed)
    if order is None or not referral.order_stands:
        return
    newest = replace(
        order,
        limit=referral.limit,
        vulnerable=order.vulnerable or request.vulnerable,
        transport=order.transport or request.transport,
        postcode=command.residence.postcode,
        language=command.residence.language,
    )
    if newest != order:
        yield OrderChanged(referral_id=referral.referral_id, order=newest)


def _another_programme(
    referral: Referral,
    order: Order | None,
    command: TakeRequest,
    proposal: Proposal,
    now: datetime,
) -> tuple[Fact, ...] | Refusal:
    programme = proposal.programme
    assert programme is not None, "an open choice changes nothing"
    rule = proposal.law.limit if proposal.law is not None else None
    provider = command.route(programme.id).provider
    if referral.started is not None or (order is not None and order.consented):
        text = f"Forløbet er begyndt, så tilbuddet kan ikke rettes: {_INSTEAD}"
    elif proposal.answer is not Answer.ORDERED or provider is None:
        text = f"Tilbuddet er ikke etableret her: {_INSTEAD}"
    elif not ours(programme, command.request.asked, command.municipality):
        text = f"Regionen er ansvarlig for tilbuddet, så det kan ikke rettes hertil: {_INSTEAD}"
    elif provider != referral.provider or referral.may_choose != bool(rule and rule.free_choice):
        text = f"Tilbuddet gives af en anden eller efter en anden regel: {_INSTEAD}"
    else:
        return tuple(_ordered_instead(referral, programme, command, proposal, now))
    return Refusal(Field.PROGRAMME, "business-rule", text)


def _ordered_instead(
    referral: Referral,
    programme: Programme,
    command: TakeRequest,
    proposal: Proposal,
    now: datetime,
) -> Iterator[Fact]:
    me = referral.referral_id
    revised = _revised(referral, command, proposal, now)
    if revised is not None:
        yield revised
        referral = evolve(referral, revised)
    if referral.order_stands and referral.order_id is not None:
        yield OrderWithdrawn(
            referral_id=me, order_id=referral.order_id, reason=WithdrawReason.REPLACED
        )
    yield from settling(referral, _SETTLED, "corrected", now)
    yield OrderPlaced(referral_id=me, order=order_asked_for(referral, programme, command, now))
