"""Care communication both ways, on a real database; every batch comes twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest

from deploy.demo.documents import ruddi_fhir
from deploy.demo.fhir_messages import Part, care_communication
from services.referral import store_dialogue
from services.referral.dialogue import CareMessage, Step
from services.referral.documents import Outcome, read_any, receipt
from services.referral.endpoints_dialogue import Conversations
from services.referral.plan import Format
from shared.endpoints import Answer, Call, Refused
from shared.handling import Unit
from shared.staff import Member
from tests.delivery import all_rows
from tests.integration.referral_room import Room, names, receipt_text, verdict
from tests.unit.referral.factories import HOSPITAL, an_office

DESK = Member(id="316-desk", name="Karen Prøve", role="desk", unit="Visitationen", provider="316")
ASKED = datetime(2022, 5, 24, 9, tzinfo=UTC)
QUESTION = Part(id="urn:uuid:24d01288-ad36-4af2-96a8-fd1432dadee1", at=ASKED, text="Hvornår?")
THREAD = "urn:uuid:b2eb3d0e-5de5-4de9-b2a3-0ff321ad1c3a"


class Counter:
    """The endpoints, called as the framework would."""

    def __init__(self, room: Room) -> None:
        office = an_office()
        self.room = room
        self.all = Conversations(register=office.register, directory=office.directory)

    async def referral(self) -> str:
        ((found,),) = await self.room.rows("SELECT referral_id FROM referrals")
        return str(found)

    async def show(self, staff: Member = DESK) -> dict[str, Any]:
        async with self.room.conn.transaction():
            call = await self._call({}, staff)
            shown = await self.all.show(Unit(conn=self.room.conn, now=self.room.now), call)
        assert isinstance(shown, dict)
        return shown

    async def say(self, **body: Any) -> Answer:
        async with self.room.conn.transaction():
            call = await self._call(body, DESK)
            return await self.all.say(Unit(conn=self.room.conn, now=self.room.now), call)

    async def seen(self, **body: Any) -> object:
        async with self.room.conn.transaction():
            call = await self._call(body, DESK)
            return await self.all.seen(Unit(conn=self.room.conn, now=self.room.now), call)

    async def _call(self, body: dict[str, Any], staff: Member) -> Call:
        path = {"id": await self.referral()}
        call_id = str(uuid5(NAMESPACE_URL, repr(body)))
        return Call(staff=staff, id=call_id, path=path, body=body)


@pytest.fixture
async def room(room: Room) -> Room:
    """Ruddi's plan is taken when the hospital asks."""
    room.moves_to(ASKED)
    await room.takes(ruddi_fhir())
    return room


async def test_a_question_lies_unread_on_the_referral_until_somebody_reads_it(room: Room) -> None:
    outcomes = await room.takes(care_communication(parts=(QUESTION,)))
    assert names(outcomes) == ["document.acknowledged"]
    assert verdict(outcomes[0]) == "ok"
    assert (await store_dialogue.unread(room.conn))[0] == 1
    counter = Counter(room)
    (thread,) = (await counter.show())["threads"]
    assert thread["topic"] == "Genoptræning"
    assert [post["text"] for post in thread["posts"]] == ["Hvornår?"]
    assert thread["posts"][0]["author"] == "Michael Test Burns"
    await counter.seen()
    assert await store_dialogue.unread(room.conn) == (0, None)
    log = await room.rows("SELECT actor, action FROM access_log WHERE actor LIKE 'staff:%'")
    assert ("staff:316-desk", "dialogue.read") in log


async def test_nothing_that_was_written_stands_readable_in_the_database(room: Room) -> None:
    await room.takes(care_communication(parts=(QUESTION,)))
    await Counter(room).say(text="På lørdag, siger Ruddi.", topic="Tiden")
    stored = repr(await all_rows(room.conn))
    for word in ("Hvornår", "Michael", "Ruddi", "lørdag", "Tiden", "1502779995"):
        assert word not in stored


async def test_an_answer_is_a_reply_that_the_hospitals_own_reading_understands(room: Room) -> None:
    await room.takes(care_communication(parts=(QUESTION,)))
    counter = Counter(room)
    (thread,) = (await counter.show())["threads"]
    answer = await counter.say(text="Lørdag kl. 9.\nHilsen Karen", thread=thread["thread"])
    (event,) = answer.applied.events
    assert event.topic == f"hospital.{HOSPITAL}.dialogue"
    assert event.key == await counter.referral()
    read = read_any(event.value, event.content_type)
    assert isinstance(read, CareMessage), read
    assert (read.step, read.thread) == (Step.REPLY, THREAD)
    assert read.previous == "42cb9200-f421-4d08-8391-7d51a2503cb4"
    assert [(one.text, one.new) for one in read.segments] == [
        ("Hvornår?", False),
        ("Lørdag kl. 9.\nHilsen Karen", True),
    ]
    assert read.segments[1].author.role == "visitator"
    assert read.cpr == "1502779995"
    assert await store_dialogue.unread(room.conn) == (0, None)


async def test_a_reply_repeats_the_thread_and_only_what_is_new_is_kept(room: Room) -> None:
    await room.takes(care_communication(parts=(QUESTION,)))
    counter = Counter(room)
    (thread,) = (await counter.show())["threads"]
    answer = await counter.say(text="Lørdag kl. 9.", thread=thread["thread"])
    content = answer.content
    assert isinstance(content, dict)
    room.moves_to(ASKED + timedelta(hours=1))
    thanks = Part(id="urn:uuid:11111111-1111-4111-8111-111111111111", at=room.now, text="Tak")
    await room.takes(
        care_communication(
            document_id="third",
            activity="reply-message",
            previous=content["document_id"],
            parts=(QUESTION, thanks),
            new=(thanks.id,),
        )
    )
    (thread,) = (await counter.show())["threads"]
    said = [(post["ours"], post["text"]) for post in thread["posts"]]
    assert said == [(False, "Hvornår?"), (True, "Lørdag kl. 9."), (False, "Tak")]
    assert thread["unread_since"] is not None


async def test_staff_may_ask_first(room: Room) -> None:
    answer = await Counter(room).say(text="Må han støtte på benet?", topic="Støtte")
    read = read_any(answer.applied.events[0].value)
    assert isinstance(read, CareMessage), read
    assert (read.step, read.topic, read.previous) == (Step.NEW, "Støtte", None)
    assert read.receiver == "227871000016001"


async def test_an_attachment_is_politely_not_taken(room: Room) -> None:
    picture = Part(id="urn:uuid:2", at=ASKED, title="Røntgenbillede", data="JVBERi0=")
    (outcome,) = await room.takes(care_communication(parts=(QUESTION, picture)))
    assert verdict(outcome) == "ok"
    assert "Vedhæftede filer kan desværre ikke modtages" in receipt_text(outcome)
    (thread,) = (await Counter(room).show())["threads"]
    assert [post.get("attachment") for post in thread["posts"]] == [None, "Røntgenbillede"]
    assert "JVBERi0" not in repr(await all_rows(room.conn))


async def test_what_nobody_here_would_read_is_refused_and_not_kept(room: Room) -> None:
    rows = await all_rows(room.conn)
    (outcome,) = await room.takes(care_communication(cpr="0201609995"))
    assert verdict(outcome) == "fatal-error"
    assert "ingen læser meddelelsen" in receipt_text(outcome)
    assert await all_rows(room.conn) == rows


async def test_a_thread_is_about_one_citizen(room: Room) -> None:
    await room.takes(care_communication(parts=(QUESTION,)))
    lonni = orjson.loads(ruddi_fhir())
    text = orjson.dumps(lonni).decode().replace("1502779995", "0201609996")
    await room.takes(text.replace("152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22", "plan-2").encode())
    (outcome,) = await room.takes(care_communication(document_id="other", cpr="0201609996"))
    assert verdict(outcome) == "fatal-error"
    assert "gælder en anden borger" in receipt_text(outcome)


async def test_only_those_who_work_with_the_citizen_read_along(room: Room) -> None:
    stranger = Member(id="730-desk", name="Åse Prøve", role="desk", unit="U", provider="730")
    with pytest.raises(Refused, match="does not work for"):
        await Counter(room).show(stranger)


async def test_only_a_question_about_a_referral_may_be_urgent(room: Room) -> None:
    with pytest.raises(Refused, match="urgent"):
        await Counter(room).say(text="Haster", urgent=True)


async def test_a_receipt_is_never_answered_and_a_refusal_lies_unread(room: Room) -> None:
    counter = Counter(room)
    answer = await counter.say(text="Må han støtte på benet?", topic="Støtte")
    assert isinstance(answer.content, dict)
    asked = read_any(answer.applied.events[0].value)
    assert isinstance(asked, CareMessage)
    answers: tuple[tuple[Outcome, int], ...] = (("ok", 0), ("fatal-error", 1))
    for code, unread in answers:
        value, _ = receipt(
            Format.FHIR,
            code,
            document_id=answer.content["document_id"],
            sender_sor="451000016003",
            receiver=("227871000016001", "Ortopædkirurgisk afdeling"),
            problems=(),
            at=room.now,
            receipt_id=f"receipt-{code}",
        )
        outcomes = await room.takes(value)
        assert names(outcomes) == []
        assert (await store_dialogue.unread(room.conn))[0] == unread
    (thread,) = (await counter.show())["threads"]
    assert "kunne ikke modtage" in thread["posts"][-1]["refused"]
