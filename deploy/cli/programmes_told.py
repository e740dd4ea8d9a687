"""Programmes and what they propose, in lines for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from services.referral.outgoing_order import wire_step
from services.referral.programme import Law, Leader, Programme, Step
from services.referral.programme_policy import laws_on, spoken
from services.referral.programme_proposal import Proposal


def summary(one: Programme, day: date) -> dict[str, Any]:
    """A programme in a list, under the laws of a day."""
    return {
        "id": one.id,
        "name": asdict(one.name),
        "basis": list(dict.fromkeys(str(rule.basis) for rule in one.admissions)),
        "drop_in": one.drop_in,
        "given_by": str(one.given_by),
        "laws": [_law(law) for law in laws_on(one, day)],
        "minutes": one.minutes,
        "lifecycle": one.phase,
    }


def whole(one: Programme) -> dict[str, Any]:
    """A programme in the words of its file."""
    steps = [
        {"id": step.id, "name": asdict(step.name), **wire}
        for step, wire in zip(one.steps, _wire(one, one.steps), strict=True)
    ]
    admission = [
        {
            "basis": rule.basis,
            "referred_by": rule.referred_by,
            "plan_types": rule.plan_types,
            "levels": rule.levels,
            "min_age": rule.ages.least,
            "max_age": rule.ages.most,
        }
        for rule in one.admissions
    ]
    whole: dict[str, Any] = _plain(
        {
            "id": one.id,
            "name": asdict(one.name),
            "given_by": one.given_by,
            "drop_in": one.drop_in,
            "lifecycle": one.phase,
            "leads_to": one.leads_to,
            "minutes": one.minutes,
            "admission": admission,
            "law": [_law(law) for law in reversed(one.laws)],
            "step": steps,
            "evaluation": [asdict(form) for form in one.forms],
        }
    )
    return whole


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _law(law: Law) -> dict[str, Any]:
    rule = law.limit
    return {
        "since": law.since.isoformat(),
        "min_age": law.ages.least,
        "max_age": law.ages.most,
        "legal_basis": law.legal_basis,
        "authority": str(law.authority),
        "limit": {
            "days": rule.days,
            "later_start": rule.later_start,
            "free_choice": rule.free_choice,
            "grace_minutes": rule.grace // timedelta(minutes=1),
        }
        if rule is not None
        else "none",
    }


def limit(law: Law) -> str:
    """The limit in words."""
    if law.limit is None:
        return "none"
    return f"{law.limit.days} days{', free choice' if law.limit.free_choice else ''}"


def told(one: Programme) -> Iterator[str]:
    """A programme whole, in lines."""
    yield f"{one.id}: {one.name.da} / {one.name.en}"
    yield f"given by: {one.given_by}; lifecycle: {one.phase or 'in operation'}"
    yield "admits"
    for rule in one.admissions:
        said = [f"basis {rule.basis}, referred by {', '.join(rule.referred_by)}"]
        if rule.plan_types:
            said.append(f"plan of type {', '.join(rule.plan_types)}")
        if rule.levels:
            said.append(f"level {', '.join(rule.levels)}")
        if not rule.ages.open:
            said.append(f"age {spoken(rule.ages.least, rule.ages.most)}")
        yield f"  {'; '.join(said)}"
    if one.drop_in:
        yield "  whoever comes, without a referral: counted, never named"
    yield "law"
    for law in reversed(one.laws):
        ages = "" if law.ages.open else f" (age {spoken(law.ages.least, law.ages.most)})"
        yield f"  since {law.since}{ages}: {law.legal_basis}; {law.authority}; limit {limit(law)}"
    if one.steps:
        yield f"steps ({one.minutes / 60:g} hours in all)"
    for ordinal, step in enumerate(one.steps, start=1):
        yield f"  {ordinal}. {_step(step)}"
    if one.forms:
        yield "evaluation"
    for form in one.forms:
        yield f"  {form.form}: {form.name.da} / {form.name.en}; asked {', '.join(form.asked)}"
    if one.leads_to:
        yield f"may lead on to: {', '.join(one.leads_to)}"


def _step(step: Step) -> str:
    said = [f"{step.name.da} / {step.name.en} ({step.kind})"]
    said.append(f"{step.count} × {step.minutes} min" if step.count > 1 else f"{step.minutes} min")
    if step.spacing is not None:
        said.append(f"{step.spacing.least} to {step.spacing.most} days between")
    if step.after is not None:
        said.append(f"{step.after.least} to {step.after.most} days after the step before")
    seats = step.seats
    said.append("individual" if seats.most == 1 else f"{seats.least} to {seats.most} citizens")
    said.append(f"{step.delivery}{', room' if step.room else ''}")
    said.append("led by " + " and ".join(_leader(one) for one in step.leaders))
    if step.equipment:
        said.append(f"with {', '.join(step.equipment)}")
    if step.consent:
        said.append("with recorded consent")
    return "; ".join(said)


def _leader(one: Leader) -> str:
    able = f" ({', '.join(one.competences)})" if one.competences else ""
    return f"{one.count} {one.role}{able}"


def _wire(programme: Programme | None, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps as an order carries them; what has no order yet has no ids."""
    id_ = programme.id if programme is not None else ""
    return [wire_step(id_, step, "").model_dump(mode="json", exclude={"step_id"}) for step in steps]


def answer(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON has it; its order in the words of order.placed."""
    one, law = proposal.programme, proposal.law
    order = None
    if proposal.steps:
        order = {
            "programme": one.id if one is not None else None,
            "earliest": proposal.earliest,
            "limit": proposal.limit,
            "bedside": proposal.bedside,
            "steps": _wire(one, proposal.steps),
        }
    said = {
        "answer": str(proposal.answer),
        "programme": one.id if one is not None else None,
        "reasons": proposal.reasons,
        "law": _law(law) if law is not None else None,
        "free_choice_at_once": proposal.free_choice,
        "order": order,
        "afterwards": _wire(one, proposal.afterwards),
        "admitted": proposal.admitted,
        "refused": dict(proposal.refused),
    }
    plain: dict[str, Any] = _plain(said)
    return plain


def proposed(proposal: Proposal) -> Iterator[str]:
    """What would be ordered and why, in lines."""
    one = proposal.programme
    title = f": {one.id}: {one.name.da} / {one.name.en}" if one is not None else ""
    lines = [f"{proposal.answer}{title}", "why", *(f"  {why}" for why in proposal.reasons)]
    if proposal.steps:
        lines += ["order", f"  earliest {proposal.earliest}, limit {proposal.limit or 'none'}"]
        lines += [f"  {_step(step)}" for step in proposal.steps]
    if proposal.afterwards:
        lines += ["may follow", *(f"  {_step(step)}" for step in proposal.afterwards)]
    if one is None and proposal.refused and not proposal.admitted:
        lines.append("programmes that don't admit")
        lines += [f"  {id_}: {'; '.join(why)}" for id_, why in proposal.refused]
    yield from lines
