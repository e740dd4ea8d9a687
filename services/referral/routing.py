"""What follows where an order goes to another than its provider, by agreement.

Standard library only; the rule itself is `portfolio.register.route`.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.referral.facts import Fact, WorkOpened
from services.referral.portfolio.register import Route
from services.referral.terms import WorkReason


def several(referral_id: str, route: Route | None, programme: str) -> Iterator[Fact]:
    """Where several take the order the first has it at once, and the citizen may choose another:
    somebody asks."""
    if route is not None and route.others:
        reason = WorkReason.PROVIDER_TO_CHOOSE
        yield WorkOpened(referral_id=referral_id, reason=reason, about=programme)
