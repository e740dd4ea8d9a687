"""A database restored from a backup has all again that staff have done since, and says it the same.

The backup here is the empty database: everything has come since. What was published since is what
the other one's outbox holds.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan
from shared.envelope import Message
from shared.journal import PATIENCE
from tests.conftest import Databases
from tests.integration.referral_room import a_session
from tests.integration.referral_twin import Twin, a_twin
from tests.staff import JENS, KAREN, LIS
from tests.unit.referral.factories import NOW, Mailbag

INSIDE = "2022-05-28T07:00:00Z"
FOUND: dict[str, Any] = {
    "complexity": 2,
    "resources": 2,
    "motivation": 6,
    "readiness": 2,
    "level": "basal",
    "goals": ["Jeg vil kunne gå til købmanden på Ærøgade igen"],
    "with_citizen": True,
}
LATER = NOW + timedelta(days=12)


@pytest.fixture
async def lived(database: Databases, tmp_path: Path) -> AsyncIterator[Twin]:
    async with a_twin(await database("referral"), tmp_path) as twin:
        yield twin


@pytest.fixture
async def restored(database: Databases, tmp_path: Path) -> AsyncIterator[Twin]:
    async with a_twin(await database("referral"), tmp_path, LATER) as twin:
        yield twin


class Story:
    """What came to a service, and what staff did, in its order."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.bag = Mailbag()
        self.came: list[Message] = []

    async def reads(self, *messages: Message) -> None:
        self.came += messages
        await self.twin.reads(*messages)
        self.twin.now += timedelta(hours=1)

    async def asks(self, who: str, path: str, key: str = "", **body: Any) -> None:
        await self.twin.asked(who, path, body, key)
        self.twin.now += timedelta(hours=1)

    async def lives(self) -> None:
        """Two plans, of which the newer is kept; its course; and the older is opened again."""
        old, new = fhir_plan(document_id="plan-1"), fhir_plan(document_id="plan-2")
        await self.reads(self.bag.document(old), self.bag.document(new))
        (entry,) = await self.twin.rows("SELECT entry_id FROM worklist")
        decision = f"/worklist/{entry['entry_id']}/decision"
        await self.asks(
            KAREN.id, decision, "k-1", decision="keep-newer", remark="Aftalt med Åse på afdelingen"
        )
        order = (await self.twin.said("order.placed"))[-1]["value"]
        assert isinstance(order, dict)
        me = order["referral_id"]
        session = a_session(order, INSIDE)
        attended = {
            **{key: session[key] for key in ("order_id", "referral_id", "citizen_id", "provider")},
            "session_id": session["session_id"],
            "step_id": session["step_id"],
            "start": INSIDE,
            "attended": True,
            "reason": None,
            "by": JENS.id,
            "at": "2022-05-28T08:00:00Z",
        }
        await self.reads(
            self.bag.training("session.offered.v1", orjson.dumps(session), subject=me),
            self.bag.training("session.attended.v1", orjson.dumps(attended), subject=me),
        )
        await self.asks(JENS.id, f"/referrals/{me}/assessments", **FOUND)
        await self.asks(
            JENS.id,
            f"/referrals/{me}/actions",
            text="Ring til arbejdspladsen",
            owner="job-centre",
            due="2022-06-03",
        )
        await self.asks(JENS.id, f"/referrals/{me}/consent", given=True)
        (older,) = await self.twin.rows("SELECT referral_id FROM referrals WHERE closed <> ''")
        await self.asks(KAREN.id, f"/referrals/{older['referral_id']}/reopen")


async def test_every_decision_is_there_again_and_every_event_has_its_id(
    lived: Twin, restored: Twin
) -> None:
    story = Story(lived)
    await story.lives()
    # The calls are read before what they were made on: each topic is read by itself.
    await restored.reads(*await lived.journalled())
    assert (await restored.state())["runtime.staff_calls"] == []
    await restored.reads(*story.came)
    for _ in range(4):
        await restored.looks_again()
        restored.now += timedelta(minutes=2)
    assert await restored.rows("SELECT reason FROM runtime.parked") == []
    assert await restored.rows("SELECT reason FROM runtime.dead_letters") == []
    assert await restored.state() == await lived.state()
    for name in ("worklist.closed", "referral.closed", "referral.reopened", "order", "assessment"):
        assert await restored.said(name) == await lived.said(name), name
    before = {event["event_id"] for event in await lived.said()}
    after = {event["event_id"] for event in await restored.said()}
    assert after <= before, "nothing is said under an id of its own"


@pytest.mark.parametrize("seed", range(4))
async def test_it_does_not_matter_in_which_order_the_topics_are_read(
    lived: Twin, restored: Twin, seed: int
) -> None:
    story = Story(lived)
    await story.lives()
    draw = random.Random(seed)
    topics: dict[str, list[Message]] = {message.topic: [] for message in story.came}
    for message in story.came:
        topics[message.topic].append(message)
    left = [*topics.values(), list(await lived.journalled())]
    while left := [one for one in left if one]:
        one = draw.choice(left)
        await restored.reads(*(one.pop(0) for _ in range(draw.randint(1, len(one)))))
        if draw.random() < 0.5:
            await restored.looks_again()
    for _ in range(4):
        restored.now += timedelta(minutes=2)
        await restored.looks_again()
    assert await restored.rows("SELECT reason FROM runtime.parked") == []
    assert await restored.state() == await lived.state()


async def test_what_was_written_is_there_again(lived: Twin, restored: Twin) -> None:
    story = Story(lived)
    await story.lives()
    await restored.reads(*story.came)
    await restored.reads(*await lived.journalled())
    ((entry, remark),) = [
        (row["entry_id"], row["remark"])
        for row in await restored.rows("SELECT entry_id, remark FROM worklist WHERE remark <> ''")
    ]
    assert restored.vault.open(remark, entry).decode() == "Aftalt med Åse på afdelingen"
    (item,) = await restored.rows("SELECT item_id, words FROM action_items")
    assert restored.vault.open(item["words"], item["item_id"]).decode() == "Ring til arbejdspladsen"


async def test_who_was_erased_since_the_backup_is_erased_again(lived: Twin, restored: Twin) -> None:
    story = Story(lived)
    await story.reads(story.bag.document(fhir_plan()))
    (citizen,) = await lived.rows("SELECT citizen_id FROM citizens")
    await story.asks(LIS.id, f"/citizens/{citizen['citizen_id']}/erasure", close=True)
    await restored.reads(*story.came, *await lived.journalled())
    tombstone = (await lived.said("citizen.recorded"))[-1]
    assert tombstone["value"] is None
    assert (await restored.said("citizen.recorded"))[-1] == tombstone


async def test_a_database_that_lost_nothing_does_nothing_again(lived: Twin) -> None:
    await Story(lived).lives()
    state, said = await lived.state(), await lived.said()
    await lived.reads(*await lived.journalled())
    assert (await lived.state(), await lived.said()) == (state, said)
    await lived.pool.execute("DELETE FROM runtime.answers")  # they are kept for some weeks only
    await lived.reads(*await lived.journalled())
    assert (await lived.state(), await lived.said()) == (state, said)


async def test_whoever_asks_once_more_after_the_restore_gets_the_same_answer(
    lived: Twin, restored: Twin
) -> None:
    story = Story(lived)
    await story.lives()
    await restored.reads(*story.came, *await lived.journalled())
    (entry,) = await lived.rows("SELECT entry_id FROM worklist")
    path = f"/worklist/{entry['entry_id']}/decision"
    body = {"decision": "keep-newer", "remark": "Aftalt med Åse på afdelingen"}
    answers = [await one.asked(KAREN.id, path, body, "k-1") for one in (lived, restored)]
    assert answers[0] == answers[1]


async def test_a_call_whose_ground_never_comes_is_shown_to_a_human(
    lived: Twin, restored: Twin
) -> None:
    story = Story(lived)
    await story.lives()
    await restored.reads(*await lived.journalled())
    waiting = await restored.rows("SELECT reason FROM runtime.parked")
    assert any("an earlier call waits" in row["reason"] for row in waiting)
    restored.now += PATIENCE + timedelta(hours=1)
    await restored.looks_again()
    letters = await restored.rows("SELECT reason FROM runtime.dead_letters")
    assert len(letters) == len(waiting)
    assert all("before the restore" in row["reason"] for row in letters)
    assert not any("Åse" in row["reason"] for row in letters)


async def test_calls_that_cannot_be_read_are_dead_letters(lived: Twin, restored: Twin) -> None:
    story = Story(lived)
    await story.lives()
    first, *_ = await lived.journalled()
    wire = orjson.loads(first.value or b"")
    gone = orjson.dumps(wire | {"endpoint": "POST /nothing"})
    other = orjson.dumps(wire | {"sealed": "AAAA"})
    for number, message in enumerate(
        (
            replace(first, type="dk.genvej.unknown.v1"),
            replace(first, value=b"{}"),
            replace(first, value=other),
            replace(first, value=gone),
        )
    ):
        await restored.reads(replace(message, offset=100 + number))
    letters = await restored.rows("SELECT reason FROM runtime.dead_letters ORDER BY record_offset")
    reasons = [row["reason"] for row in letters]
    assert reasons[0] == "unknown type dk.genvej.unknown.v1"
    assert reasons[1] == "this is no call"
    assert reasons[2].startswith("a call can't be opened")
    assert reasons[3] == "POST /nothing is no endpoint any more"
