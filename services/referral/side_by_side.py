"""A citizen's plans beside each other: a human looks at each newest one and the one before it.

A line of pairs and not all against all: a citizen may have many plans, and what a human has to look
at grows with their number and no faster. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.referral.facts import Fact, Noted, WorkOpened
from services.referral.programme_terms import Basis
from services.referral.referral import Referral
from services.referral.terms import Note, WorkReason


def beside_the_last(referral: Referral, earlier: Iterable[Referral]) -> Iterator[Fact]:
    """What a new referral gives a human to look at. `earlier`: the citizen's, earliest first."""
    last = _last(referral, earlier)
    if last is not None:
        yield _pair(referral, last)
        yield Noted(Note.SECOND_PLAN)


def closing_the_gap(closed: Referral, mine: Sequence[Referral]) -> Iterator[WorkOpened]:
    """The pair that moves together where the one between them has ended unlooked at.

    `mine`: all of the citizen's referrals, earliest first.
    """
    at = next(i for i, one in enumerate(mine) if one.referral_id == closed.referral_id)
    for following in mine[at + 1 :]:
        last = _last(following, mine[:at]) if following.closed is None else None
        if last is not None:
            yield _pair(following, last)
            return


def _last(referral: Referral, earlier: Iterable[Referral]) -> Referral | None:
    standing = [one for one in earlier if one.closed is None and _alike(referral, one)]
    return standing[-1] if standing else None


def _alike(referral: Referral, other: Referral) -> bool:
    """A hospital's plan goes with whatever there is; other grounds with the same programme."""
    return referral.basis is Basis.HOSPITAL or (
        referral.programme is not None and referral.programme == other.programme
    )


def _pair(newer: Referral, older: Referral) -> WorkOpened:
    return WorkOpened(
        referral_id=newer.referral_id, reason=WorkReason.SECOND_PLAN, about=older.referral_id
    )
