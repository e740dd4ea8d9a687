"""How an order becomes what planning reads."""

from __future__ import annotations

from services.referral import order, programme, programme_terms
from services.referral.events import STEPS, Code
from services.referral.events_order import (
    Days,
    Leader,
    OrderChangedWire,
    OrderPlacedWire,
    Step,
    Window,
)
from services.referral.identity import step_id
from services.referral.order import Order
from services.referral.referral import Referral


def _window(window: order.Window) -> Window:
    return Window(
        weekday=window.weekday,
        from_=f"{window.begin:%H:%M}" if window.begin is not None else None,
        to=f"{window.end:%H:%M}" if window.end is not None else None,
    )


def order_wire(
    wire: type[OrderPlacedWire | OrderChangedWire], order: Order, referral: Referral
) -> OrderPlacedWire | OrderChangedWire:
    """An order's whole state: only the steps that are ordered."""
    steps = tuple(
        wire_step(order.programme, step, step_id(order.order_id, ordinal))
        for ordinal, step in order.ordered
    )
    return wire(
        order_id=order.order_id,
        referral_id=referral.referral_id,
        citizen_id=referral.citizen_id,
        provider=referral.provider,
        programme=order.programme,
        earliest=order.earliest,
        limit=order.limit,
        bedside=order.bedside,
        vulnerable=order.vulnerable,
        postcode=order.postcode,
        language=order.language,
        transport=order.transport,
        windows=tuple(_window(one) for one in order.windows),
        location=order.location,
        steps=steps,
    )


def wire_step(programme_id: str, step: programme.Step, id_: str) -> Step:
    """A step as an order carries it: all that whoever plans it needs to know of it."""
    return Step(
        step_id=id_,
        kind=step.kind,
        code=code_of(programme_id, step),
        count=step.count,
        minutes=step.minutes,
        delivery=step.delivery,
        competences=step.competences,
        seats=step.seats.most,
        room=step.room,
        seats_min=step.seats.least if step.seats.most > 1 else None,
        spacing=_days(step.spacing),
        after=_days(step.after),
        leaders=_leaders(step),
        equipment=step.equipment,
        consent=step.consent,
    )


def _days(days: programme.Days | None) -> Days | None:
    return Days(min_days=days.least, max_days=days.most) if days is not None else None


def _leaders(step: programme.Step) -> tuple[Leader, ...]:
    usual = programme.Leader(role=programme_terms.Role.STAFF, competences=step.competences)
    if step.leaders == (usual,):
        return ()
    return tuple(
        Leader(role=one.role, count=one.count, competences=one.competences) for one in step.leaders
    )


def code_of(programme_id: str, step: programme.Step) -> Code:
    """A step's public code, or ours where none is known."""
    if step.code is None:
        return Code(system=STEPS, code=f"{programme_id}/{step.id}", display=step.name.da)
    return Code(system=step.code.system, code=step.code.code, display=step.code.display)
