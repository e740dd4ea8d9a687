"""The free choice through the handlers on a real database; every batch comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg
import pytest

from deploy.demo.documents import fhir_plan
from deploy.demo.fhir_messages import hospital_notification
from services.referral.choosing import Choosing
from services.referral.endpoints_choice import FreeChoice
from services.referral.endpoints_plan import Plans
from services.referral.plan import PlanType
from shared.endpoints import Answer, Call, Refused
from shared.envelope import Message
from shared.handling import Outcome, Unit
from shared.staff import Member
from tests.conftest import Databases
from tests.delivery import events_of
from tests.integration.referral_room import (
    Room,
    data,
    from_randers,
    names,
    only,
    randers_hospital,
    timers,
)
from tests.unit.referral.factories import RANDERS_DEPARTMENT, a_decided, a_register

SUPPLIER = "fysioterapi-randers"
DESK = Member(id="730-desk", name="Karen Prøve", role="desk", unit="Visitationen", provider="730")
THEIRS = Member(id="fysio", name="Bo Prøve", role="supplier", unit="Klinikken", provider=SUPPLIER)


class Street:
    """Staff and suppliers around a referral of Randers that came too late."""

    def __init__(self, room: Room) -> None:
        decided = a_decided()
        self.room = room
        self.choice = FreeChoice(choosing=Choosing(decided=decided, register=a_register()))
        self.order: dict[str, Any] = {}

    def a_plan(self, **plan: Any) -> Message:
        given = {"document_id": "plan-1", "discharge_date": date(2022, 5, 24)}
        return randers_hospital(self.room, from_randers(**(given | plan)))

    async def opens(self, **plan: Any) -> Sequence[Outcome]:
        outcomes = await self.room.takes(self.a_plan(**plan))
        self.order = only(outcomes, "order.placed")
        return outcomes

    async def opens_too_late(self) -> None:
        self.room.moves_to(datetime(2022, 6, 1, 8, tzinfo=UTC))
        await self.opens()

    async def chooses(self, *providers: str, choice: str = "take") -> Answer:
        body = {"choice": choice, "providers": list(providers)}
        return await self.calls(self.choice.choose, DESK, self.order["referral_id"], body)

    async def wants(self, location: str) -> Answer:
        body = {"choice": "take", "location": location}
        return await self.calls(self.choice.choose, DESK, self.order["referral_id"], body)

    async def moves(self, municipality: str) -> Answer:
        body = {"municipality": municipality}
        return await self.calls(self.choice.move, DESK, self.order["referral_id"], body)

    async def asks_for_plan(self, order_id: str, staff: Member = THEIRS) -> dict[str, Any]:
        call = Call(staff=staff, id="plan", path={"id": order_id})
        async with self.room.conn.transaction():
            unit = Unit(conn=self.room.conn, now=self.room.now)
            shown = await Plans(register=a_register()).show(unit, call)
        assert isinstance(shown, dict)
        return shown

    async def may_choose(self) -> dict[str, str]:
        call = Call(staff=DESK, id="look", path={"id": self.order["referral_id"]})
        async with self.room.conn.transaction():
            shown = await self.choice.offered(Unit(conn=self.room.conn, now=self.room.now), call)
        assert isinstance(shown, dict)
        return {one["provider"]: str(one["right"]) for one in shown["may_choose"]}

    async def hears_of_refusal(
        self, order: dict[str, Any], by: str = SUPPLIER
    ) -> Sequence[Outcome]:
        return await self.room.hears(self.room.declined(order, by))

    async def calls(self, handler: Any, staff: Member, id_: str, body: dict[str, Any]) -> Answer:
        call_id = str(uuid5(NAMESPACE_URL, repr((id_, body))))
        call = Call(staff=staff, id=call_id, path={"id": id_}, body=body)
        async with self.room.conn.transaction():
            answer = await handler(Unit(conn=self.room.conn, now=self.room.now), call)
        assert isinstance(answer, Answer)
        return answer


@pytest.fixture
async def street(database: Databases) -> AsyncIterator[Street]:
    connection = await asyncpg.connect(await database("referral"))
    yield Street(Room(connection))
    await connection.close()


async def test_other_municipalities_may_always_be_chosen_private_suppliers_only_when_late(
    street: Street,
) -> None:
    await street.opens()
    assert await street.may_choose() == {"316": "other-municipality"}
    with pytest.raises(Refused, match="only when the limit can't be held"):
        await street.chooses(SUPPLIER)
    await street.room.hears(street.room.infeasible(street.order, "no-capacity-inside-limit"))
    assert await street.may_choose() == {"316": "other-municipality", SUPPLIER: "private"}


async def test_handing_over_is_a_withdrawal_and_an_order_with_the_same_referral_and_limit(
    street: Street,
) -> None:
    await street.opens_too_late()
    answer = await street.chooses(SUPPLIER)
    outcome = [answer.applied]
    assert names(outcome) == [
        "free-choice.taken",
        "order.withdrawn",
        "referral.handed-over",
        "order.placed",
        "order.placed",
    ]
    taken, withdrawn, _, placed, copy = (data(one) for one in events_of(outcome))
    assert (taken["right"], taken["chosen"], taken["provider"]) == ("private", SUPPLIER, "730")
    assert (withdrawn["provider"], withdrawn["reason"]) == ("730", "free-choice")
    assert placed == copy
    assert (placed["provider"], placed["municipality"]) == (SUPPLIER, "730")
    assert placed["order_id"] != street.order["order_id"]
    for same in ("referral_id", "citizen_id", "limit"):
        assert placed[same] == street.order[same]
    assert [one["kind"] for one in placed["steps"]] == ["assessment"]
    topics = [one.topic for one in events_of(outcome, "order.placed")]
    assert topics == ["referrals", f"provider.{SUPPLIER}.orders"]


async def test_the_same_clock_runs_on_with_the_new_provider(street: Street) -> None:
    await street.opens()
    await street.room.hears(street.room.infeasible(street.order, "no-capacity-inside-limit"))
    answer = await street.chooses(SUPPLIER)
    timer = timers([answer.applied])["limit.missed"]
    assert (timer.due, timer.partition_key) == (datetime(2022, 5, 31, 22, tzinfo=UTC), SUPPLIER)
    missed = await street.room.rings(timer)
    assert names(missed) == ["limit.missed"]
    assert only(missed, "limit.missed")["provider"] == SUPPLIER


async def test_a_suppliers_session_is_an_offer_like_any_other(street: Street) -> None:
    await street.opens()
    await street.room.hears(street.room.infeasible(street.order, "no-capacity-inside-limit"))
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    room = street.room
    outcomes = await room.hears(room.offered(placed, "2022-05-30T09:00:00+02:00"))
    assert names(outcomes) == ["referral.status", "worklist.opened"]
    status = only(outcomes, "referral.status")
    assert (status["state"], status["start"]) == ("offered", "2022-05-30T07:00:00Z")
    assert status["performer"] == "100000000009730"
    assert only(outcomes, "worklist.opened")["reason"] == "free-choice-to-reconsider"
    came = await room.hears(room.attended(placed, "2022-05-30T09:00:00+02:00"))
    assert only(came, "referral.status")["state"] == "started"


async def test_who_declines_gives_way_to_the_citizens_next_wish_then_to_the_municipality(
    street: Street,
) -> None:
    await street.opens_too_late()
    first = await street.chooses(SUPPLIER, "316")
    placed = data(events_of([first.applied], "order.placed")[0])
    second = await street.hears_of_refusal(placed)
    placed = data(events_of(second, "order.placed")[0])
    assert placed["provider"] == "316"
    assert only(second, "referral.handed-over")["reason"] == "declined"
    third = await street.hears_of_refusal(placed, "316")
    placed = only(third, "order.placed")
    assert placed["provider"] == "730"
    assert await street.room.worklist() == ["declined"]


async def test_a_refusal_of_an_order_that_has_gone_elsewhere_changes_nothing(
    street: Street,
) -> None:
    await street.opens_too_late()
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    await street.chooses("316")
    assert names(await street.hears_of_refusal(placed)) == []


async def test_scheduling_is_not_heard_about_what_it_does_not_plan(street: Street) -> None:
    await street.opens_too_late()
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    room = street.room
    outcomes = await room.hears(
        room.infeasible(placed, "no-capacity-known"),
        room.offered(street.order, "2022-06-03T09:00:00+02:00"),
    )
    assert names(outcomes) == []
    assert await room.worklist() == []


async def test_who_prefers_to_wait_keeps_the_order_and_the_reason_is_known(street: Street) -> None:
    await street.opens_too_late()
    answer = await street.chooses(choice="wait")
    assert names([answer.applied]) == ["free-choice.waived"]
    rows = await street.room.rows("SELECT provider, no_start FROM referrals")
    assert rows == [("730", "free-choice-declined")]


async def test_who_moves_is_the_other_municipalitys_with_the_same_limit(street: Street) -> None:
    await street.opens()
    answer = await street.moves("316")
    placed = only([answer.applied], "order.placed")
    assert (placed["provider"], placed["municipality"], placed["limit"]) == (
        "316",
        "316",
        street.order["limit"],
    )
    rows = await street.room.rows("SELECT municipality, no_start FROM referrals")
    assert rows == [("316", "other-municipality")]


async def test_the_agreement_covers_almen_alone(street: Street) -> None:
    street.room.moves_to(datetime(2022, 6, 1, 8, tzinfo=UTC))
    await street.opens(type=PlanType.REHABILITERING_SPECIALISERET)
    with pytest.raises(Refused, match="no agreement for this type"):
        await street.chooses(SUPPLIER)


async def test_a_plan_for_holbaek_is_not_for_randers_supplier(street: Street) -> None:
    street.room.moves_to(datetime(2022, 6, 1, 8, tzinfo=UTC))
    outcomes = await street.room.takes(fhir_plan(discharge_date=date(2022, 5, 24)))
    street.order = only(outcomes, "order.placed")
    with pytest.raises(Refused, match="does not work for provider 316"):
        await street.chooses(SUPPLIER)


async def test_who_carries_an_order_out_sees_whom_it_is_about_as_long_as_it_is_theirs(
    street: Street,
) -> None:
    await street.opens_too_late()
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    shown = await street.asks_for_plan(placed["order_id"])
    assert (shown["citizen"]["name"], shown["citizen"]["number"]) == (
        "Ruddi Test Berggren",
        "1502779995",
    )
    assert shown["plan"]["diagnoses"]
    rows = await street.room.rows("SELECT actor FROM access_log WHERE action = 'order.plan'")
    assert rows == [("staff:fysio",)]
    with pytest.raises(Refused, match="does not work for provider"):
        await street.asks_for_plan(
            placed["order_id"],
            Member(id="316-desk", name="Åse Prøve", role="desk", unit="U", provider="316"),
        )
    await street.chooses("316")
    with pytest.raises(Refused, match="no longer stands"):
        await street.asks_for_plan(placed["order_id"])


async def test_a_supplier_hears_that_the_citizen_is_in_hospital_and_back(street: Street) -> None:
    await street.opens_too_late()
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    admitted = await street.room.takes(
        randers_hospital(
            street.room,
            hospital_notification(
                started="2022-06-01T09:00:00+02:00",
                sent_at=street.room.now,
                sender_sor=RANDERS_DEPARTMENT,
                receiver_sor="100000000003730",
            ),
        )
    )
    topics = [one.topic for one in events_of(admitted, "referral.paused")]
    assert topics == ["referrals", f"provider.{SUPPLIER}.orders"]
    assert names(await street.hears_of_refusal(placed)) == ["worklist.opened"]


async def test_a_location_of_the_municipalitys_own_may_always_be_chosen(street: Street) -> None:
    await street.opens()
    outcome = [(await street.wants("R2")).applied]
    assert names(outcome) == ["free-choice.taken", "order.changed"]
    taken, changed = (data(one) for one in events_of(outcome))
    assert (taken["right"], taken["chosen"], taken["location"]) == ("own", "730", "R2")
    assert (changed["order_id"], changed["location"]) == (street.order["order_id"], "R2")
    assert changed["limit"] == street.order["limit"]
    with pytest.raises(Refused, match="chosen already"):
        await street.wants("R2")
    (back,) = (data(one) for one in events_of([(await street.wants("")).applied], "order.changed"))
    assert "location" not in back


async def test_a_chosen_location_is_not_carried_over_to_another_provider(street: Street) -> None:
    await street.opens_too_late()
    await street.wants("R2")
    placed = data(events_of([(await street.chooses(SUPPLIER)).applied], "order.placed")[0])
    assert "location" not in placed
    with pytest.raises(Refused, match="where it trains it says itself"):
        await street.wants("R2")
