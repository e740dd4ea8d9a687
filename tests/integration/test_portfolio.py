"""The portfolio register on a real database: stated by staff, read back, and followed by orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan
from services.referral.portfolio import handlers, store
from services.referral.portfolio.wire import TOPIC
from shared.endpoints import Answer, Call, Refused
from shared.envelope import Event, Message
from shared.handling import Dead, Unit
from shared.staff import EVERYBODY, Member
from tests.delivery import deliver_twice
from tests.integration.referral_room import Room, names, only, receipt_text, verdict

PLANNER = Member(id="316-planner", name="Åse Prøve", role="planner", unit="", provider="316")
COORDINATOR = Member(id="c", name="Bo Prøve", role="coordinator", unit="", provider=EVERYBODY)


def an_offer(state: str, **other: Any) -> dict[str, Any]:
    return {
        "provider": "316",
        "provider_name": "Holbæk Kommune",
        "kind": "municipality",
        "offer": "p140-almen",
        "offer_name": "Almen genoptræning",
        "state": state,
        "source": "Holbæk Kommune",
        **other,
    }


async def states(room: Room, *offers: dict[str, Any], staff: Member = COORDINATOR) -> list[Event]:
    """What follows when a member of staff states offers."""
    call = Call(staff=staff, id="call", body={"statements": list(offers)})
    async with room.conn.transaction():
        answer = await handlers.state(Unit(conn=room.conn, now=room.now), call)
    assert isinstance(answer, Answer)
    return list(answer.applied.events)


def heard(room: Room, event: Event) -> Message:
    return Message(
        topic=TOPIC,
        partition=0,
        offset=0,
        key=event.key.encode(),
        value=event.value,
        timestamp=room.now,
        id="1",
        source="/genvej/referral",
        type=event.type,
        subject=event.subject,
    )


async def test_a_statement_is_kept_and_told_under_the_key_that_a_newer_one_replaces(
    room: Room,
) -> None:
    (event,) = await states(room, an_offer("in-development"), staff=PLANNER)
    assert (event.topic, event.key) == ("portfolio", "316/p140-almen")
    assert orjson.loads(event.value or b"")["by"] == "316-planner"
    (kept,) = await store.statements(room.conn)
    assert kept.state == "in-development"


async def test_only_who_works_for_a_provider_states_its_offers(room: Room) -> None:
    with pytest.raises(Refused) as refused:
        await states(room, an_offer("established", provider="730"), staff=PLANNER)
    assert refused.value.status == 403
    assert await store.statements(room.conn) == []


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (an_offer("established", instead=["730"]), "needs nobody instead"),
        (an_offer("in-development", instead=["316"]), "doesn't take its own"),
        (an_offer("established", kind="hospital"), "a hospital says what, when"),
        (an_offer("finished"), "state: "),
        (an_offer("established", provider="316\u0001"), "provider: "),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    room: Room, offer: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        await states(room, offer)


async def test_a_restored_register_catches_up_from_its_own_topic_and_never_goes_back(
    room: Room,
) -> None:
    (old,) = await states(room, an_offer("in-development"))
    room.moves_to(room.now + timedelta(days=1))
    (new,) = await states(room, an_offer("established"))
    await room.conn.execute("DELETE FROM portfolio")
    for event in (new, old):
        await deliver_twice(room.conn, handlers.hear, [heard(room, event)], room.now)
    (kept,) = await store.statements(room.conn)
    assert kept.state == "established"


async def test_what_is_no_statement_is_a_dead_letter(room: Room) -> None:
    broken = Event(
        topic=TOPIC, key="x", subject="x", type="dk.genvej.portfolio.stated.v1", value=b"{}"
    )
    (outcome,) = await handlers.hear(Unit(conn=room.conn, now=room.now), [heard(room, broken)])
    assert isinstance(outcome, Dead)


async def test_a_programme_that_is_not_established_is_not_ordered(room: Room) -> None:
    await states(room, an_offer("not-established"))
    outcomes = await room.takes(fhir_plan())
    assert "order.placed" not in names(outcomes)
    assert only(outcomes, "free-choice.opened")["reason"] == "infeasible"
    assert await room.worklist() == ["not-established"]
    assert verdict(outcomes[0]) == "ok"
    assert "hverken etableret" in receipt_text(outcomes[0])


async def test_it_is_ordered_from_whom_an_agreement_names_where_that_is_established(
    room: Room,
) -> None:
    await states(
        room,
        an_offer("not-established", instead=["730"]),
        an_offer("established", provider="730", provider_name="Randers Kommune"),
    )
    order = only(await room.takes(fhir_plan()), "order.placed")
    assert order["provider"] == "730"
    assert await room.worklist() == []
