"""Who offers what and how far it has come; where an order goes that its provider can't take.

Standard library only. An offer is a programme by its id, or something that is no programme, such as
a back team. The four states are those of the survey of municipalities (docs/portfolio.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class State(StrEnum):
    """How far an offer has come at a provider."""

    NOT_ESTABLISHED = "not-established"
    IN_DEVELOPMENT = "in-development"
    ESTABLISHED = "established"
    NOT_ANSWERED = "not-answered"


class Kind(StrEnum):
    """What a provider is."""

    MUNICIPALITY = "municipality"
    HOSPITAL = "hospital"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said of one provider's offer; a newer one of the same two replaces it.

    `what`, `opened` (when) and `to_whom` tell referrers what they may expect. `instead`: providers
    that take its orders by agreement where it isn't established, in this order. `day`: when it was
    so, None where nobody says; `source`: who says it; `survey`: the survey that it answers.
    """

    provider: str
    provider_name: str
    kind: Kind
    offer: str
    offer_name: str
    state: State
    source: str
    day: date | None = None
    what: str | None = None
    opened: str | None = None
    to_whom: str | None = None
    instead: tuple[str, ...] = ()
    survey: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Whose offer it is."""
        return self.provider, self.offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement, who made it and when."""

    statement: Statement
    by: str
    at: datetime


class Way(StrEnum):
    """By which rule an order goes where it goes."""

    UNSTATED = "unstated"
    ESTABLISHED = "established"
    AGREED = "agreed"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Route:
    """Where an order goes. `provider` None: nothing is ordered, a human decides.

    `others` take it by agreement too: the citizen may choose.
    """

    provider: str | None
    way: Way
    others: tuple[str, ...] = ()


Register = Mapping[tuple[str, str], Statement]


def route(register: Register, provider: str, programme: str) -> Route:
    """Where an order of a programme goes.

    To the provider itself where the programme is established there, or where nothing is stated:
    a duty in law does not wait for a register. Else to the first provider that takes it by
    agreement and has it established; a hospital is not ordered from. Else to nobody.
    """
    here = register.get((provider, programme))
    if here is None:
        return Route(provider, Way.UNSTATED)
    if here.state is State.ESTABLISHED:
        return Route(provider, Way.ESTABLISHED)
    found = takers(register, provider, programme)
    return Route(found[0], Way.AGREED, found[1:]) if found else Route(None, Way.NOBODY)


def takers(register: Register, provider: str, programme: str) -> tuple[str, ...]:
    """Who takes a provider's orders of a programme by agreement and has it established."""
    here = register.get((provider, programme))
    if here is None or here.state is State.ESTABLISHED:
        return ()
    found = ((other, register.get((other, programme))) for other in here.instead)
    return tuple(other for other, there in found if there is not None and _takes_orders(there))


def _takes_orders(there: Statement) -> bool:
    return there.state is State.ESTABLISHED and there.kind is not Kind.HOSPITAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one offer: how many providers said which state."""

    offer: str
    name: str
    counts: Mapping[State, int]
    sources: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many were asked."""
        return sum(self.counts.values())


def figures(statements: Iterable[Statement]) -> tuple[Figures, ...]:
    """The states by offer, the offers in the order in which they first come."""
    counts: dict[str, Counter[State]] = {}
    names: dict[str, str] = {}
    sources: dict[str, dict[str, None]] = {}
    for one in statements:
        counts.setdefault(one.offer, Counter())[one.state] += 1
        names.setdefault(one.offer, one.offer_name)
        sources.setdefault(one.offer, {})[
            f"{one.source} ({one.day})" if one.day else one.source
        ] = None
    return tuple(
        Figures(
            offer=offer,
            name=names[offer],
            counts={state: found[state] for state in State},
            sources=tuple(sources[offer]),
        )
        for offer, found in counts.items()
    )
