"""Who may be chosen to train a citizen, and by which right. Standard library only.

Three rights (Sundhedsloven § 140; sst.dk, Frit valg): always the municipality's own places and
other municipalities' institutions, which may decline; private suppliers under the agreement only
when the limit can't be held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.referral.course import Attendance
from services.referral.order import Order
from services.referral.plan import PlanType
from services.referral.portfolio.register import Register as Offers
from services.referral.portfolio.register import State, takers
from services.referral.referral import Referral
from services.referral.terms import Right


class Kind(StrEnum):
    """Whose a provider is."""

    MUNICIPAL = "municipal"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Somebody who trains. A private one works for `municipalities`, for plans of `plan_types`."""

    code: str
    name: str
    sor: str
    kind: Kind
    municipalities: frozenset[str] = frozenset()
    plan_types: frozenset[PlanType] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceCase:
    """What a choice rests on.

    `ordinal`: of the newest order, 0 for none. `home`: who trains by rule. `offers`: what the
    portfolio register says of everybody. `first`: what would be ordered, where nothing is because
    the programme is not established. `known`: who came to which session so far. `origin`: who had
    the first order.
    """

    referral: Referral
    order: Order | None
    ordinal: int
    home: str
    providers: Mapping[str, Provider]
    offers: Offers = field(default_factory=dict)
    first: Order | None = None
    known: Sequence[Attendance] = ()
    origin: str = ""

    @property
    def stands(self) -> bool:
        """Whether anything is ordered."""
        return self.referral.order_stands and self.order is not None

    @property
    def ordered(self) -> Order | None:
        """What is ordered, or would be."""
        return self.order if self.stands else self.first

    @property
    def agreed(self) -> frozenset[str]:
        """Who takes the municipality's orders of the programme by agreement, as established."""
        order = self.ordered
        found = takers(self.offers, self.home, order.programme) if order is not None else ()
        return frozenset(found)

    def has_established(self, code: str) -> bool:
        """Whether a provider has the programme; where the register says nothing, it has."""
        order = self.ordered
        said = self.offers.get((code, order.programme)) if order is not None else None
        return said is None or said.state is State.ESTABLISHED


@dataclass(frozen=True, slots=True)
class Unsuitable:
    """It can't be done; `text` says why, without people. `status`: HTTP's."""

    status: int
    text: str


def kind_of(case: ChoiceCase) -> Kind | None:
    """Whose the provider is that has the order now."""
    provider = case.providers.get(case.referral.provider)
    return provider.kind if provider is not None else None


def right_of(case: ChoiceCase, code: str) -> Right:
    """By which right a provider is chosen."""
    if code == case.home:
        return Right.OWN
    kind = case.providers[code].kind
    return Right.PRIVATE if kind is Kind.PRIVATE else Right.OTHER_MUNICIPALITY


def unsuitable(case: ChoiceCase, code: str) -> Unsuitable | None:
    """Why this provider can't be chosen now."""
    referral, provider = case.referral, case.providers.get(code)
    if provider is None:
        return Unsuitable(422, f"{code} is nobody whom we know")
    # By agreement a supplier takes what the municipality hasn't got, whatever the limit.
    private = provider.kind is Kind.PRIVATE and code not in case.agreed
    obstacles = (
        (not case.has_established(code), 409, f"{code} has not established the programme"),
        (case.stands and code == referral.provider, 409, f"the order is with {code} already"),
        (
            private and referral.free_choice is None,
            409,
            "private suppliers may be chosen only when the limit can't be held, and it can",
        ),
        (
            private and referral.municipality not in provider.municipalities,
            422,
            f"{code} has no agreement with this municipality",
        ),
        (
            private and referral.type not in provider.plan_types,
            422,
            f"{code} has no agreement for this type of plan",
        ),
    )
    return next((Unsuitable(status, text) for holds, status, text in obstacles if holds), None)
