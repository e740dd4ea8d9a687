"""The action plan over HTTP, and what becomes of an item that nobody did in time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral.action_plan import store
from services.referral.action_plan.plan import (
    LABOUR_MARKET,
    ActionItem,
    ItemState,
    overdue_at,
    steps_that_need_consent,
    team_of,
)
from services.referral.action_plan.wire import ConsentRecorded, event_of, item_wire
from services.referral.carrying_out import Decided
from services.referral.facts import OrderChanged, WorkOpened
from services.referral.order import Order
from services.referral.register import Register
from services.referral.store_citizens import Access
from services.referral.terms import WorkReason
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied, CancelTimer, SetTimer

if TYPE_CHECKING:
    from services.referral.desk import Desk
    from services.referral.referral import Referral
    from shared.handling import DueTimer, Outcome, Unit

DUE: Final = "action-item.due"
PLANNING: Final = frozenset({"desk", "therapist", "planner", "coordinator"})
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:action-items")


class NewItem(BaseModel):
    """Somebody is to do something by a day."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2000)
    owner: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")
    unit: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f]*$")
    due: date


class ItemChange(BaseModel):
    """How far an item has come, or that it is due another day or somebody else's."""

    model_config = ConfigDict(extra="forbid")

    state: ItemState | None = None
    due: date | None = None
    owner: str | None = Field(default=None, min_length=1, max_length=60)


class Consent(BaseModel):
    """Whether the citizen consents."""

    model_config = ConfigDict(extra="forbid")

    subject: Literal["labour-market"] = LABOUR_MARKET
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """The endpoints and the timer of the action plan."""

    decided: Decided
    register: Register

    async def show(self, unit: Unit, call: Call) -> object:
        """GET /referrals/{id}/plan: steps, team, action items and consents. It is logged."""
        desk, referral = await self._open(unit, call)
        order = desk.order_of(referral)
        self._log(desk, call, referral, "plan.show")
        await desk.save(unit.conn, unit.now)
        consents = await store.consents(unit.conn, referral.referral_id)
        items = await store.of_referral(unit.conn, referral.referral_id)
        return {
            "referral_id": referral.referral_id,
            "programme": order.programme if order is not None else None,
            "steps": _steps(order) if order is not None else [],
            "team": [asdict(one) for one in team_of(order)] if order is not None else [],
            "consent_needed": list(steps_that_need_consent(order)) if order is not None else [],
            "consents": [dict(row) for row in consents],
            "actions": [
                {
                    "item_id": item.item_id,
                    "text": self.register.vault.open(words, item.item_id).decode(),
                    "owner": item.owner,
                    "unit": item.unit,
                    "due": item.due,
                    "state": item.state,
                    "by": item.by,
                }
                for item, words in items
            ],
        }

    async def add(self, unit: Unit, call: Call) -> Answer:
        """POST /referrals/{id}/actions."""
        said = call.read(NewItem)
        desk, referral = await self._open(unit, call)
        if referral.closed is not None:
            raise Refused(409, "the referral is closed")
        item = ActionItem(
            item_id=str(uuid.uuid5(_NAMESPACE, call.id)),
            referral_id=referral.referral_id,
            owner=said.owner,
            unit=said.unit,
            due=said.due,
            state=ItemState.OPEN,
            by=call.staff.id,
            at=unit.now,
        )
        words = self.register.vault.seal(said.text.encode(), item.item_id)
        await store.keep_item(unit.conn, item, words)
        self._log(desk, call, referral, "plan.add")
        await desk.save(unit.conn, unit.now)
        return Answer(content={"item_id": item.item_id}, applied=_told(item, referral), status=201)

    async def change(self, unit: Unit, call: Call) -> Answer:
        """POST /actions/{id}: done, dropped, open again, due another day, somebody else's."""
        said = call.read(ItemChange)
        id_ = call.path["id"]
        item = (await store.items(unit.conn, [id_])).get(id_)
        if item is None:
            raise Refused(404, "there is no such action item")
        desk, referral = await self._open(unit, call, item.referral_id)
        item = replace(
            item,
            state=said.state or item.state,
            due=said.due or item.due,
            owner=said.owner or item.owner,
            by=call.staff.id,
            at=unit.now,
        )
        await store.keep_item(unit.conn, item, None)
        self._log(desk, call, referral, "plan.change")
        await desk.save(unit.conn, unit.now)
        return Answer(content={"state": item.state}, applied=_told(item, referral))

    async def consent(self, unit: Unit, call: Call) -> Answer:
        """POST /referrals/{id}/consent: the order then carries the steps that need it, or not."""
        said = call.read(Consent)
        desk, referral = await self._open(unit, call)
        order = desk.order_of(referral)
        applied = Applied()
        if order is not None and order.consented != said.given:
            order = replace(order, consented=said.given)
            changed = OrderChanged(referral_id=referral.referral_id, order=order)
            if referral.closed is None and referral.order_stands:
                applied = self.decided.apply(desk, [changed])
        await store.keep_consent(
            unit.conn,
            referral.referral_id,
            said.subject,
            given=said.given,
            by=call.staff.id,
            at=unit.now,
        )
        self._log(desk, call, referral, "plan.consent")
        await desk.save(unit.conn, unit.now)
        wire = ConsentRecorded(
            referral_id=referral.referral_id,
            citizen_id=referral.citizen_id,
            provider=referral.provider,
            subject=said.subject,
            given=said.given,
            by=call.staff.id,
            at=unit.now,
        )
        events = [event_of(wire), *applied.events]
        return Answer(content={"given": said.given}, applied=replace(applied, events=events))

    async def due(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """See `shared.handling.TimerHandler`: who did nothing in time is looked after."""
        items = await store.items(unit.conn, [timer.key for timer in timers])
        outcomes: list[Outcome] = []
        for timer in timers:
            item = items.get(timer.key)
            outcome = Applied()
            if item is not None and item.state is ItemState.OPEN:
                desk = await self.decided.load(unit, item.referral_id)
                referral = desk.referrals.get(item.referral_id)
                if referral is not None and referral.closed is None:
                    late = WorkOpened(
                        referral_id=item.referral_id,
                        reason=WorkReason.ACTION_OVERDUE,
                        about=item.item_id,
                    )
                    outcome = self.decided.apply(desk, [late])
                    await desk.save(unit.conn, unit.now)
            outcomes.append(outcome)
        return outcomes

    async def _open(
        self, unit: Unit, call: Call, referral_id: str | None = None
    ) -> tuple[Desk, Referral]:
        id_ = referral_id or call.path["id"]
        desk = await self.decided.load(unit, id_)
        referral = desk.referrals.get(id_)
        if referral is None:
            raise Refused(404, "there is no such referral")
        call.must_work_for(referral.provider)
        return desk, referral

    def _log(self, desk: Desk, call: Call, referral: Referral, action: str) -> None:
        desk.accessed(
            Access(
                actor=f"staff:{call.staff.id}",
                action=action,
                citizen_id=referral.citizen_id,
                cause=call.id,
            )
        )

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        posts = (
            ("/referrals/{id}/actions", self.add),
            ("/actions/{id}", self.change),
            ("/referrals/{id}/consent", self.consent),
        )
        show = Endpoint(
            method="GET", path="/referrals/{id}/plan", handler=self.show, roles=PLANNING
        )
        return (
            show,
            *(
                Endpoint(method="POST", path=path, handler=handler, roles=PLANNING)
                for path, handler in posts
            ),
        )


def _steps(order: Order) -> list[dict[str, object]]:
    return [
        {
            "id": step.id,
            "name": step.name.da,
            "kind": step.kind,
            "sessions": step.count,
            "minutes": step.minutes,
            "ordered": order.gives(step),
            "leaders": [asdict(leader) for leader in step.leaders],
        }
        for step in order.steps
    ]


def _told(item: ActionItem, referral: Referral) -> Applied:
    timer: SetTimer | CancelTimer = CancelTimer(kind=DUE, key=item.item_id)
    if item.state is ItemState.OPEN:
        timer = SetTimer(
            kind=DUE,
            key=item.item_id,
            due=overdue_at(item.due),
            partition_key=referral.provider,
        )
    return Applied(events=[event_of(item_wire(item, referral))], timers=[timer])
