"""What would be ordered for somebody, and why: the same decisions as a referral's, told in words.

Standard library only. Dates are local (Europe/Copenhagen), instants UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.referral.limit import begins, earliest_start, limit_of, local_day, too_late
from services.referral.programme import Law, Programme, Step
from services.referral.programme_policy import Asker, Portfolio, law_on, refusals, run_here
from services.referral.programme_terms import UNOPENED, Basis, GivenBy


class Answer(StrEnum):
    """What becomes of somebody who asks."""

    ORDERED = "ordered"
    GIVEN_ELSEWHERE = "given-elsewhere"
    REGION_RESPONSIBLE = "region-responsible"
    NOT_OPEN = "not-open"
    JUST_COME = "just-come"
    SEVERAL = "several"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who asks, and when.

    `day`: of discharge where a hospital refers, else of the referral; the law of that day holds.
    `runs_for_region`: programmes that the municipality gives where the region is responsible.
    """

    asker: Asker
    day: date
    received_at: datetime
    later_start: date | None = None
    runs_for_region: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be ordered, and why. `steps` now; `afterwards` when the citizen has been met.

    `admitted`: programmes that a human may choose among; `refused`: why others don't admit.
    """

    answer: Answer
    reasons: tuple[str, ...]
    programme: Programme | None = None
    law: Law | None = None
    limit: date | None = None
    earliest: date | None = None
    bedside: bool = False
    free_choice: bool = False
    steps: tuple[Step, ...] = ()
    afterwards: tuple[Step, ...] = ()
    admitted: tuple[str, ...] = ()
    refused: tuple[tuple[str, tuple[str, ...]], ...] = ()


def propose(portfolio: Portfolio, question: Question, wish: str | None = None) -> Proposal:
    """What would be ordered. `wish`: the programme that is asked for. Raises KeyError for none."""
    asker = question.asker
    among = portfolio.programmes.values() if wish is None else (portfolio.programmes[wish],)
    verdicts = {programme.id: refusals(programme, asker) for programme in among}
    admitted = tuple(id_ for id_, why in verdicts.items() if not why)
    refused = tuple((id_, why) for id_, why in verdicts.items() if why)
    if len(admitted) == 1:
        return _decided(portfolio.programmes[admitted[0]], question, refused)
    if admitted:
        names = ", ".join(admitted)
        why = f"no rule chooses among {names}: the referral desk decides with the citizen"
        return Proposal(answer=Answer.SEVERAL, reasons=(why,), admitted=admitted, refused=refused)
    if wish is not None and portfolio.programmes[wish].drop_in:
        reasons = (*verdicts[wish], "needs no referral: one just comes, and is counted unnamed")
        return Proposal(answer=Answer.JUST_COME, reasons=reasons, refused=refused)
    told = verdicts[wish] if wish is not None else (f"no programme admits {_asker(asker)}",)
    return Proposal(answer=Answer.NOBODY, reasons=told, refused=refused)


def _decided(
    programme: Programme, question: Question, refused: tuple[tuple[str, tuple[str, ...]], ...]
) -> Proposal:
    asker, day = question.asker, question.day
    reasons = [f"{programme.id} admits {_asker(asker)}"]
    law = law_on(programme, day, asker.age)
    if law is None:
        reasons.append("the law depends on the age, and that isn't known")
    else:
        reasons.append(_law(law, question))
    answer = _open(programme, question)
    limit = limit_of(law.limit, day, question.later_start) if law is not None else None
    earliest = earliest_start(question.received_at, day, question.later_start)
    late = limit is not None and too_late(question.received_at, limit, day, question.later_start)
    ordered = answer is Answer.ORDERED
    chooses = late and law is not None and law.limit is not None and law.limit.free_choice
    reasons += _times(question, law, limit, earliest, late=late) if ordered else ()
    reasons += _steps(programme, answer)
    return Proposal(
        answer=answer,
        reasons=tuple(reasons),
        programme=programme,
        law=law,
        limit=limit,
        earliest=earliest if ordered else None,
        bedside=ordered and _hospital(question) and local_day(question.received_at) < day,
        free_choice=ordered and chooses,
        steps=programme.opening if ordered else (),
        afterwards=programme.afterwards if ordered else (),
        admitted=(programme.id,),
        refused=refused,
    )


def _open(programme: Programme, question: Question) -> Answer:
    if programme.given_by is GivenBy.HOSPITAL:
        return Answer.GIVEN_ELSEWHERE
    if not run_here(programme, question.day, question.runs_for_region):
        return Answer.REGION_RESPONSIBLE
    return Answer.NOT_OPEN if programme.phase in UNOPENED else Answer.ORDERED


def _hospital(question: Question) -> bool:
    return question.asker.basis is Basis.HOSPITAL


def _asker(asker: Asker) -> str:
    said = [f"basis {asker.basis}"]
    if asker.referred_by is not None:
        said.append(f"referred by {asker.referred_by}")
    if asker.plan_type is not None:
        said.append(f"plan of type {asker.plan_type}, level {asker.level}")
    said.append(f"age {asker.age}" if asker.age is not None else "age unknown")
    return "; ".join(said)


def _law(law: Law, question: Question) -> str:
    what = "discharge" if _hospital(question) else "referral"
    return (
        f"law of the day of {what} ({question.day}): {law.legal_basis}, responsible is the "
        f"{law.authority}; our rule since {law.since}"
    )


def _times(
    question: Question, law: Law | None, limit: date | None, earliest: date, *, late: bool
) -> Iterator[str]:
    rule = law.limit if law is not None else None
    if rule is None or limit is None:
        yield "no limit: the first session is planned by urgency alone"
    else:
        begin = begins(question.day, question.later_start if rule.later_start else None)
        later = begin != question.day
        start = "the later start" if later else "discharge" if _hospital(question) else "referral"
        choice = "; the citizen may choose a private supplier if it can't be held"
        yield (
            f"limit {limit}: {rule.days} calendar days from {start} ({begin})"
            f"{choice if rule.free_choice else ''}"
        )
    yield f"first day that may be offered {earliest}: {_earliest(question, earliest)}"
    if late:
        opens = rule is not None and rule.free_choice
        yield f"no day is left inside the limit{': free choice opens at once' if opens else ''}"


def _earliest(question: Question, earliest: date) -> str:
    day = timedelta(days=1)
    if earliest == local_day(question.received_at) + day:
        return "the day after receipt, so that people can be told"
    if earliest == question.day + day:
        return "the day after discharge" if _hospital(question) else "the day after the referral"
    return "the later start"


def _steps(programme: Programme, answer: Answer) -> Iterator[str]:
    if answer is Answer.GIVEN_ELSEWHERE:
        yield "the hospital gives it: the referral is noted, nothing is ordered"
    elif answer is Answer.REGION_RESPONSIBLE:
        yield (
            "nobody has said that the municipality runs it for the region: nothing is ordered "
            "before a human has found out who gives it"
        )
    elif answer is Answer.NOT_OPEN:
        yield f"its lifecycle is {programme.phase}: nobody is ordered for yet"
    elif programme.afterwards:
        yield (
            f"ordered now: {programme.opening[-1].name.en}; nobody is planned for unseen, so what "
            "follows waits for it"
        )
    else:
        yield f"ordered now: {', '.join(step.name.en for step in programme.opening)}"
    if programme.drop_in:
        yield "one may also just come, without a referral, and is then counted unnamed"
    for step in programme.steps:
        if step.consent:
            yield f"{step.name.en} needs the citizen's recorded consent"
    if programme.leads_to:
        yield f"may lead on to {', '.join(programme.leads_to)}"
