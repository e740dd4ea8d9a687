"""When a programme's forms are asked, and the figures that come of the answers.

Standard library only. Figures name nobody: a group of fewer than FEWEST answers is not told.
"""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, TypeAlias

from services.referral.evaluation.suppression import FEWEST, small
from services.referral.facts import Closed, Fact, OrderChanged, OrderPlaced
from services.referral.limit import local_day, local_instant
from services.referral.programme import Form, Programme
from services.referral.programme_terms import Moment
from services.referral.referral import CloseReason

MONTHS_LATER: Final = 6
MORNING: Final = time(8)
_EVALUATIONS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:evaluations")


def evaluation_id(referral_id: str, programme: str, form: str, moment: Moment) -> str:
    """The id of a form that is asked once; a second run gives it again."""
    return str(uuid.uuid5(_EVALUATIONS, f"{referral_id}/{programme}/{form}/{moment}"))


@dataclass(frozen=True, slots=True)
class Due:
    """When the forms of a moment are to be asked (UTC)."""

    moment: Moment
    at: datetime


def due_after(
    fact: Fact, received_at: datetime, programmes: Mapping[str, Programme]
) -> Iterator[Due]:
    """Which forms are to be asked because of a fact.

    Before: as soon as a programme that asks any is ordered. After, and six months on, at 08:00
    local: because the course was completed, and for no other end.
    """
    match fact:
        case OrderPlaced(order=order) | OrderChanged(order=order):
            programme = programmes.get(order.programme)
            if programme is not None and asked_at(programme, Moment.BEFORE):
                yield Due(Moment.BEFORE, received_at)
        case Closed(reason=CloseReason.COMPLETED, at=at):
            yield Due(Moment.AFTER, at)
            yield Due(Moment.SIX_MONTHS, local_instant(months_after(local_day(at)), MORNING))
        case _:
            return


def months_after(day: date, months: int = MONTHS_LATER) -> date:
    """The same day so many months on, or the last of that month."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def asked_at(programme: Programme, moment: Moment) -> tuple[Form, ...]:
    """The forms that a programme asks at a moment."""
    return tuple(form for form in programme.forms if moment in form.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One form's score at one moment. `whose` joins the moments of one referral; it is not told."""

    whose: str
    programme: str
    form: str
    moment: Moment
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What is told of a form at a moment; None where fewer than FEWEST answered.

    `change`: the mean difference from before, over the `pairs` that answered both.
    """

    programme: str
    form: str
    moment: Moment
    answers: int | None
    mean: float | None
    pairs: int | None = None
    change: float | None = None


_Groups: TypeAlias = dict[tuple[str, str], dict[Moment, dict[str, float]]]


def figures(
    answers: Iterable[Answered], among: Iterable[Answered] | None = None
) -> tuple[Figure, ...]:
    """The figures by programme, form and moment.

    `among`: all answers, where `answers` are some of them: what a few others make up the difference
    to is not told, because the two could be subtracted.
    """
    groups, every = _grouped(answers), _grouped(among or ())
    return tuple(
        _figure(
            (programme, form, moment),
            moments,
            len(every.get((programme, form), {}).get(moment, moments[moment])),
        )
        for (programme, form), moments in sorted(groups.items())
        for moment in Moment
        if moment in moments
    )


def _grouped(answers: Iterable[Answered]) -> _Groups:
    groups: _Groups = {}
    for one in answers:
        moments = groups.setdefault((one.programme, one.form), {})
        moments.setdefault(one.moment, {})[one.whose] = one.score
    return groups


def _figure(
    of: tuple[str, str, Moment], moments: dict[Moment, dict[str, float]], every: int
) -> Figure:
    """A change is told where those who answered only once are none, or not few themselves."""
    programme, form, moment = of
    now, before = moments[moment], moments.get(Moment.BEFORE, {})
    changes = [now[who] - before[who] for who in now.keys() & before.keys()]
    told = len(now) >= FEWEST and not small(every - len(now))
    once = (len(now) - len(changes), len(before) - len(changes))
    compared = (
        told
        and moment is not Moment.BEFORE
        and len(changes) >= FEWEST
        and not any(map(small, once))
    )
    return Figure(
        programme=programme,
        form=form,
        moment=moment,
        answers=len(now) if told else None,
        mean=_mean(list(now.values())) if told else None,
        pairs=len(changes) if compared else None,
        change=_mean(changes) if compared else None,
    )


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 1)
