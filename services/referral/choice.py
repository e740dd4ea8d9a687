"""The citizen's free choice of who trains, and what handing over means. Standard library only.

Who may be chosen, and by which right, stands in `choosable`. Handing over is an order withdrawn and
an order placed: the same referral, the same clock. Where nothing was ordered, because the programme
is not established, the choice is what is ordered first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from services.referral.choosable import ChoiceCase, Kind, Unsuitable, kind_of, right_of, unsuitable
from services.referral.course import steps_left
from services.referral.facts import (
    Fact,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    WorkOpened,
)
from services.referral.facts_choice import (
    ChoiceTaken,
    ChoiceWaived,
    FreeChoiceOpened,
    HandedOver,
)
from services.referral.identity import order_id
from services.referral.limit import earliest_start
from services.referral.portfolio.register import takers
from services.referral.referral import FreeChoiceReason
from services.referral.settling import settling
from services.referral.terms import Right, WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeChoice:
    """The citizen chooses: the first of these, or the next where one declines."""

    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLocation:
    """The citizen chooses one of the provider's locations, by its code; empty: any of them."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiveChoice:
    """The citizen was offered the free choice and prefers to wait for the municipality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineOrder:
    """A provider says no to an order. `reason` is a word of the provider's."""

    order_id: str
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAway:
    """The citizen moves: another municipality is responsible, and its provider trains.

    `postcode`: of the new home, empty where nobody says it or the address is protected.
    """

    municipality: str
    provider: str
    postcode: str = ""


ChoiceCommand: TypeAlias = TakeChoice | TakeLocation | WaiveChoice | DeclineOrder | MoveAway


def decide_choice(
    case: ChoiceCase, command: ChoiceCommand, now: datetime
) -> tuple[Fact, ...] | Unsuitable:
    """What follows from a choice, a refusal or a move. What a provider says of an order that it
    no longer has changes nothing."""
    if isinstance(command, DeclineOrder):
        return tuple(_declined(case, command, now))
    why = _obstacle(case, command)
    if why is not None:
        return why
    match command:
        case WaiveChoice():
            return (ChoiceWaived(referral_id=case.referral.referral_id, at=now),)
        case MoveAway():
            return tuple(_moved_away(case, command, now))
        case TakeChoice():
            return tuple(_taken(case, command, now))
        case TakeLocation():
            return tuple(_located(case, command.location, now))


def _obstacle(case: ChoiceCase, command: ChoiceCommand) -> Unsuitable | None:
    referral, hands_over = case.referral, not isinstance(command, WaiveChoice)
    stands = case.stands
    takes = isinstance(command, MoveAway) or (
        isinstance(command, TakeChoice) and case.first is not None
    )
    located = isinstance(command, TakeLocation)
    wanted = command.location if isinstance(command, TakeLocation) else ""
    obstacles = (
        (referral.closed is not None, "the referral is closed"),
        (
            not hands_over and referral.free_choice is None,
            "free choice is not open, so there is nothing to decline",
        ),
        (hands_over and not stands and not takes, "nothing is ordered that could be handed over"),
        (
            hands_over and referral.paused_at is not None,
            "the citizen is in hospital: hand over when the referral goes on",
        ),
        (
            located and kind_of(case) is Kind.PRIVATE,
            f"{referral.provider} is a private supplier: where it trains it says itself",
        ),
        (
            located and stands and case.order is not None and wanted == case.order.location,
            "that is what the citizen has chosen already",
        ),
        (
            isinstance(command, MoveAway) and command.municipality == referral.municipality,
            "the referral is that municipality's already",
        ),
    )
    for holds, text in obstacles:
        if holds:
            return Unsuitable(409, text)
    chosen = command.providers if isinstance(command, TakeChoice) else ()
    return next((why for code in chosen if (why := unsuitable(case, code)) is not None), None)


def _located(case: ChoiceCase, location: str, now: datetime) -> Iterator[Fact]:
    """Always the citizen's right, and no hand-over: the same order, the same provider and limit."""
    referral, order = case.referral, case.order
    assert order is not None, "only what is ordered has a place"
    me, provider = referral.referral_id, referral.provider
    right = right_of(case, provider)
    yield ChoiceTaken(referral_id=me, right=right, chosen=provider, location=location, at=now)
    yield OrderChanged(referral_id=me, order=replace(order, location=location))


def _taken(case: ChoiceCase, command: TakeChoice, now: datetime) -> Iterator[Fact]:
    first, *wishes = command.providers
    right = right_of(case, first)
    yield ChoiceTaken(referral_id=case.referral.referral_id, right=right, chosen=first, at=now)
    yield from _over(case, first, tuple(wishes), _WHY[right], now)


_SETTLED: Final = frozenset({WorkReason.NOT_ESTABLISHED, WorkReason.PROVIDER_TO_CHOOSE})
_WHY = {
    Right.OWN: WithdrawReason.HANDED_BACK,
    Right.OTHER_MUNICIPALITY: WithdrawReason.OTHER_MUNICIPALITY,
    Right.PRIVATE: WithdrawReason.FREE_CHOICE,
}


def _moved_away(case: ChoiceCase, command: MoveAway, now: datetime) -> Iterator[Fact]:
    """To the new municipality's provider, or whoever takes its orders of the programme."""
    referral, order = case.referral, case.ordered
    me, home = referral.referral_id, command.provider
    why = WithdrawReason.MOVED_BACK if home == case.origin else WithdrawReason.MOVED
    taking = () if order is None else takers(case.offers, home, order.programme)
    to = home if case.has_established(home) else next(iter(taking), None)
    if order is not None and to is not None:
        postcode = command.postcode
        yield from _over(
            case, to, (), why, now, municipality=command.municipality, postcode=postcode
        )
        return
    if order is not None and case.stands:
        yield OrderWithdrawn(referral_id=me, order_id=order.order_id, reason=why)
    yield HandedOver(
        referral_id=me,
        provider=home,
        municipality=command.municipality,
        wishes=(),
        why=why,
        at=now,
    )
    if order is not None and case.stands:
        reason = WorkReason.NOT_ESTABLISHED
        yield WorkOpened(referral_id=me, reason=reason, about=order.programme)
        if referral.limit is not None and referral.may_choose and referral.free_choice is None:
            opened = FreeChoiceReason.INFEASIBLE
            yield FreeChoiceOpened(referral_id=me, limit=referral.limit, reason=opened)


def _declined(case: ChoiceCase, command: DeclineOrder, now: datetime) -> Iterator[Fact]:
    referral = case.referral
    current = (referral.order_id, referral.provider) == (command.order_id, command.provider)
    if not current or not referral.order_stands or case.order is None:
        return
    if referral.provider == case.home or referral.paused_at is not None:
        # Nobody is behind the municipality's own, and nothing is ordered for who is in hospital: a
        # human looks.
        yield WorkOpened(
            referral_id=referral.referral_id, reason=WorkReason.DECLINED, about=command.provider
        )
        return
    suitable = [code for code in referral.wishes if unsuitable(case, code) is None]
    if not suitable and not case.has_established(case.home):
        # The municipality's own hasn't got it: a human finds somebody.
        yield WorkOpened(
            referral_id=referral.referral_id, reason=WorkReason.DECLINED, about=command.provider
        )
        return
    to, rest = (suitable[0], tuple(suitable[1:])) if suitable else (case.home, ())
    yield from _over(case, to, rest, WithdrawReason.DECLINED, now)
    if to == case.home:
        yield WorkOpened(
            referral_id=referral.referral_id, reason=WorkReason.DECLINED, about=command.provider
        )


def _over(
    case: ChoiceCase,
    provider: str,
    wishes: tuple[str, ...],
    why: WithdrawReason,
    now: datetime,
    *,
    municipality: str | None = None,
    postcode: str | None = None,
) -> Iterator[Fact]:
    """The order withdrawn from one and placed with the other: what is left of it, and the same
    limit. `postcode` None: as it was."""
    referral, order = case.referral, case.ordered
    assert order is not None, "only what is ordered is handed over"
    me = referral.referral_id
    if case.stands:
        yield OrderWithdrawn(referral_id=me, order_id=order.order_id, reason=why)
    yield HandedOver(
        referral_id=me,
        provider=provider,
        municipality=municipality or referral.municipality,
        wishes=wishes,
        why=why,
        at=now,
    )
    soonest = earliest_start(now, referral.begins, referral.later_start)
    placed = replace(
        order,
        order_id=order_id(me, case.ordinal + 1),
        steps=steps_left(order, case.known),
        earliest=max(order.earliest, soonest),
        limit=referral.limit,
        postcode=order.postcode if postcode is None else postcode,
        location="",
    )
    yield OrderPlaced(referral_id=me, order=placed)
    yield from settling(referral, _SETTLED, "chosen", now)
