"""What is ordered for a citizen, and a session that is offered for it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from services.referral.programme import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A local time that suits the citizen; None leaves a bound open. `weekday`: 1 is Monday."""

    weekday: int | None = None
    begin: time | None = None
    end: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is ordered: who plans nothing about the person but this (no name, no address).

    `programme` is the id of the programme that the steps are of. `consented`: the citizen's
    consent to steps that need it is recorded; without it they keep their place and are not ordered.
    `location`: the code of the provider's location that the citizen has chosen.
    """

    order_id: str
    programme: str
    steps: tuple[Step, ...]
    earliest: date
    limit: date | None
    bedside: bool
    vulnerable: bool
    postcode: str  # empty where the address is protected
    language: str
    transport: bool
    consented: bool = False
    windows: tuple[Window, ...] = ()
    location: str = ""

    def gives(self, step: Step) -> bool:
        """Whether a step is ordered: one that needs the citizen's consent only with it."""
        return self.consented or not step.consent

    @property
    def ordered(self) -> Iterator[tuple[int, Step]]:
        """The steps that are ordered, each with its place among all (from 1)."""
        return ((n, step) for n, step in enumerate(self.steps, start=1) if self.gives(step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A session as scheduling stated it. `location`: code, name, address, postcode, if stated."""

    session_id: str
    revision: int
    start: datetime
    location: tuple[str, str, str, str] | None
