"""Moving to another municipality, and back: the same referral, the same clock."""

from __future__ import annotations

from typing import Any

import orjson

from shared.endpoints import Answer
from shared.staff import Member
from tests.delivery import events_of
from tests.integration.referral_room import data, names, only, timers
from tests.integration.test_portfolio import an_offer, states
from tests.integration.test_referral_choice import DESK, Street, street

__all__ = ["street"]

HOLBAEK = Member(id="316-desk", name="Åse Prøve", role="desk", unit="U", provider="316")


async def moves(street: Street, to: str, staff: Member = DESK, **other: Any) -> Answer:
    return await street.calls(
        street.choice.move, staff, street.order["referral_id"], {"municipality": to, **other}
    )


async def kept(street: Street) -> tuple[Any, ...]:
    (row,) = await street.room.rows(
        "SELECT municipality, provider, limit_date::text, no_start FROM referrals"
    )
    return row


async def test_who_moves_away_and_back_keeps_the_referral_and_its_limit(street: Street) -> None:
    await street.opens()
    limit = street.order["limit"]
    there = only([(await moves(street, "316", postcode="4300")).applied], "order.placed")
    assert (there["provider"], there["postcode"], there["limit"]) == ("316", "4300", limit)
    assert await kept(street) == ("316", "316", limit, "other-municipality")
    home = await moves(street, "730", HOLBAEK)
    assert names([home.applied]) == ["order.withdrawn", "referral.handed-over", "order.placed"]
    withdrawn, over, back = (data(one) for one in events_of([home.applied]))
    assert (withdrawn["provider"], withdrawn["municipality"]) == ("316", "316")
    assert over["reason"] == "moved-back"
    assert (back["provider"], back["limit"]) == ("730", limit)
    assert len({street.order["order_id"], there["order_id"], back["order_id"]}) == 3
    # Nobody trains elsewhere any more: that is no reason for no start.
    assert await kept(street) == ("730", "730", limit, None)


async def test_the_clock_rings_for_the_new_municipality(street: Street) -> None:
    await street.opens()
    answer = await moves(street, "316")
    timer = timers([answer.applied])["limit.missed"]
    assert timer.partition_key == "316"
    missed = await street.room.rings(timer)
    assert only(missed, "limit.missed")["municipality"] == "316"


async def test_where_the_new_municipality_has_it_not_a_human_looks(street: Street) -> None:
    await street.opens()
    await states(street.room, an_offer("not-established"))
    answer = await moves(street, "316")
    assert names([answer.applied]) == [
        "order.withdrawn",
        "referral.handed-over",
        "worklist.opened",
        "free-choice.opened",
    ]
    assert await street.room.worklist() == ["not-established"]
    # Back home it is ordered again.
    placed = only([(await moves(street, "730", HOLBAEK)).applied], "order.placed")
    assert (placed["provider"], placed["limit"]) == ("730", street.order["limit"])
    assert await street.room.worklist() == []


async def test_what_was_held_is_not_ordered_again(street: Street) -> None:
    await street.opens()
    room = street.room
    start = "2022-05-30T09:00:00+02:00"
    await room.hears(room.offered(street.order, start))
    state = await room.conn.fetchval("SELECT state FROM orders")
    order = orjson.loads(state)
    order["steps"] = [order["steps"][0], order["steps"][0] | {"kind": "training", "count": 3}]
    await room.conn.execute("UPDATE orders SET state = $1", orjson.dumps(order))
    await room.hears(room.attended(street.order, start))
    placed = only([(await moves(street, "316")).applied], "order.placed")
    assert [(one["kind"], one["count"]) for one in placed["steps"]] == [("training", 3)]


async def test_a_referral_without_an_order_moves_with_its_worklist(street: Street) -> None:
    await states(street.room, an_offer("not-established", provider="730"))
    given = await street.room.takes(street.a_plan())
    street.order = only(given, "referral.received")
    placed = only([(await moves(street, "316")).applied], "order.placed")
    assert placed["provider"] == "316"
    assert await street.room.worklist() == []
