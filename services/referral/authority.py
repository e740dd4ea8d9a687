"""Who is responsible in law on the day that counts, and what follows where it is the region.

The day is that of discharge (other grounds: of the referral), as for the limit. Four tasks pass
from the municipalities to the regions on 1 January 2027, specialised rehabilitation and prevention
for patients among them; a region may let a municipality run them for it, under the region's
authority [regionoest.dk, "Flytning af opgaver fra kommunerne til regionen"; kl.dk, "Tidslinje over
opgaveflytning"]. Whether it does is said per municipality. What nobody has said goes to a human:
nothing is ordered that the region may have ordered elsewhere. What becomes of courses that began
before the day no source says: they stay where they began, because their own day lies before it.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from services.referral.commands import Municipality
from services.referral.facts import Fact, Noted, WorkClosed, WorkOpened
from services.referral.programme import Programme
from services.referral.programme_policy import regional, run_here
from services.referral.referral import Referral
from services.referral.signature import ITSELF
from services.referral.terms import Note, WorkReason


def ours(programme: Programme, day: date, municipality: Municipality) -> bool:
    """Whether a municipality orders it: it is responsible, or runs it for the region."""
    return run_here(programme, day, municipality.runs_for_region)


def told_for_whom(programme: Programme, day: date) -> Iterator[Fact]:
    """What the receipt of a referral says that a municipality takes for its region."""
    if regional(programme, day):
        yield Noted(Note.RUN_FOR_REGION)


def for_the_region(referral: Referral, programme: Programme) -> Iterator[Fact]:
    """A human finds out who gives it."""
    yield WorkOpened(
        referral_id=referral.referral_id, reason=WorkReason.REGION_RESPONSIBLE, about=programme.id
    )
    yield Noted(Note.REGION_RESPONSIBLE)


def moved_over(
    referral: Referral,
    programme: Programme,
    before: date,
    municipality: Municipality,
    now: datetime,
) -> Iterator[Fact]:
    """What a corrected day means where it moves a referral over the change of authority.

    An order that stands goes on standing until a human has decided.
    """
    is_ours = ours(programme, referral.discharge_date, municipality)
    if is_ours == ours(programme, before, municipality):
        return
    if not is_ours:
        yield from for_the_region(referral, programme)
        return
    entry = (WorkReason.REGION_RESPONSIBLE, programme.id)
    if entry in referral.work:
        yield WorkClosed(
            referral_id=referral.referral_id,
            reason=WorkReason.REGION_RESPONSIBLE,
            about=programme.id,
            decision="corrected",
            by=ITSELF,
            at=now,
        )
