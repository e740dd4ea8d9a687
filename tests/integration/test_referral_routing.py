"""Programmes that are not established: where orders go by rule, and what the citizen may choose."""

from __future__ import annotations

from typing import Any

import pytest

from shared.endpoints import Refused
from tests.delivery import events_of
from tests.integration.referral_room import data, names, only
from tests.integration.test_portfolio import an_offer, states
from tests.integration.test_referral_choice import SUPPLIER, Street, street

__all__ = ["street"]


def not_here(*instead: str) -> dict[str, Any]:
    return an_offer("not-established", provider="730", instead=list(instead))


def established(provider: str, kind: str = "municipality") -> dict[str, Any]:
    return an_offer("established", provider=provider, kind=kind)


async def opens(street: Street, *offers: dict[str, Any]) -> list[str]:
    """The events of a plan for Randers, the register being so."""
    await states(street.room, *offers)
    given = await street.room.takes(street.a_plan())
    street.order = only(given, "referral.received")
    return names(given)


async def test_the_first_that_takes_it_has_the_order_and_the_citizen_may_choose_another(
    street: Street,
) -> None:
    heard = await opens(
        street,
        not_here("316", SUPPLIER),
        established("316"),
        established(SUPPLIER, "supplier"),
    )
    assert heard.count("order.placed") == 1
    assert await street.room.worklist() == ["provider-to-choose"]
    # By agreement, though the limit can be held: nobody here has the programme.
    assert await street.may_choose() == {SUPPLIER: "private"}
    answer = await street.chooses(SUPPLIER)
    assert names([answer.applied])[:4] == [
        "free-choice.taken",
        "order.withdrawn",
        "referral.handed-over",
        "order.placed",
    ]
    assert await street.room.worklist() == []


async def test_where_nobody_takes_it_the_citizen_may_choose_who_has_it(street: Street) -> None:
    heard = await opens(street, not_here(), established("316"))
    assert "order.placed" not in heard
    assert "free-choice.opened" in heard
    assert await street.may_choose() == {"316": "other-municipality", SUPPLIER: "private"}
    with pytest.raises(Refused, match="730 has not established the programme"):
        await street.chooses("730")
    answer = await street.chooses("316")
    assert names([answer.applied]) == [
        "free-choice.taken",
        "referral.handed-over",
        "order.placed",
        "worklist.closed",
    ]
    placed = only([answer.applied], "order.placed")
    assert (placed["provider"], placed["limit"]) == ("316", "2022-05-31")
    assert [one["kind"] for one in placed["steps"]] == ["assessment"]
    assert await street.room.worklist() == []


async def test_who_has_not_established_it_cannot_be_chosen(street: Street) -> None:
    await opens(street, not_here(SUPPLIER), an_offer("in-development", provider="316"))
    assert "316" not in await street.may_choose()
    with pytest.raises(Refused, match="316 has not established"):
        await street.chooses("316")


async def test_who_declines_by_agreement_leaves_it_to_a_human_not_to_who_has_it_not(
    street: Street,
) -> None:
    await opens(street, not_here("316"), established("316"))
    (order,) = await street.room.rows("SELECT order_id, referral_id FROM orders")
    about = {"order_id": order[0], "referral_id": order[1], "citizen_id": "c"}
    heard = await street.hears_of_refusal(about, "316")
    assert names(heard) == ["worklist.opened"]
    assert await street.room.worklist() == ["declined"]


async def test_once_it_is_established_here_it_can_be_ordered_here(street: Street) -> None:
    await opens(street, not_here())
    await states(street.room, established("730"))
    answer = await street.chooses("730")
    (taken, placed) = (
        data(events_of([answer.applied], name)[0]) for name in ("free-choice.taken", "order.placed")
    )
    assert (taken["right"], placed["provider"]) == ("own", "730")
