"""A message that does not arrive is a human's to write or call, on a real database."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from deploy.demo.documents import fhir_plan
from services.referral.handlers_notifications import FAILED, SENT, Undelivered
from services.referral.worklist_endpoints import Worklist
from shared.envelope import Message
from shared.handling import Dead, Outcome, Parked
from tests.delivery import deliver_twice
from tests.integration.referral_room import Room, names, only
from tests.staff import a_call, asked
from tests.unit.referral.factories import a_decided, a_register

EXAMPLES = Path(__file__).parents[2] / "shared" / "contracts"
UNDELIVERED = Undelivered(decided=a_decided())


def an_outcome(
    room: Room, referral: str, kind: str = FAILED, template: str = "session-offered"
) -> Message:
    """What notifications says, on its own example."""
    name = kind.removeprefix("dk.genvej.")
    example = orjson.loads((EXAMPLES / f"{name}.example.json").read_bytes())
    value = orjson.dumps(example | {"referral_id": referral, "template": template})
    return Message(
        topic="notifications",
        partition=0,
        offset=0,
        key=b"316",
        value=value,
        timestamp=room.now,
        id=f"{kind}/{referral}",
        source="/genvej/notifications",
        type=kind,
        subject=referral,
    )


async def hears(room: Room, *messages: Message) -> list[Outcome]:
    return list(await deliver_twice(room.conn, UNDELIVERED.heard, messages, room.now))


async def a_referral(room: Room) -> str:
    found: str = only(await room.takes(fhir_plan()), "referral.received")["referral_id"]
    return found


async def test_who_was_not_told_is_on_the_worklist_until_somebody_has_written_or_called(
    room: Room,
) -> None:
    me = await a_referral(room)
    opened = only(await hears(room, an_outcome(room, me)), "worklist.opened")
    assert (opened["reason"], opened["referral_id"]) == ("not-told", me)
    assert names(await hears(room, an_outcome(room, me))) == []
    worklist = Worklist(decided=a_decided(), register=a_register())
    call = a_call(path={"id": opened["entry_id"]}, body={"decision": "told"})
    await asked(room.conn, worklist.decide, call, room.now)
    assert await room.worklist() == []


async def test_what_was_sent_after_all_settles_it_and_other_news_cost_nothing(room: Room) -> None:
    me = await a_referral(room)
    assert names(await hears(room, an_outcome(room, me, SENT))) == []
    await hears(room, an_outcome(room, me))
    assert names(await hears(room, an_outcome(room, me, SENT))) == ["worklist.closed"]
    assert await room.worklist() == []


@pytest.mark.parametrize(
    ("template", "work"),
    [("session-offered", []), ("session-cancelled", ["not-told"]), ("evaluation-after", [])],
)
async def test_after_the_end_only_what_is_off_is_worth_a_call(
    room: Room, template: str, work: list[str]
) -> None:
    me = await a_referral(room)
    await room.conn.execute("UPDATE referrals SET closed = 'revoked', order_stands = false")
    await hears(room, an_outcome(room, me, template=template))
    assert await room.worklist() == work


async def test_an_outcome_waits_for_its_referral_and_what_nobody_can_read_is_a_dead_letter(
    room: Room,
) -> None:
    [parked] = await hears(room, an_outcome(room, "unknown"))
    assert isinstance(parked, Parked)
    broken = an_outcome(room, "unknown")
    broken = Message(**{name: getattr(broken, name) for name in Message.__slots__} | {"value": b""})
    [dead] = await hears(room, broken)
    assert isinstance(dead, Dead)
