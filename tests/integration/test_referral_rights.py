"""Who has looked, a citizen's own data, erasure and retention, on a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.documents import fhir_plan
from deploy.demo.fhir_messages import care_communication
from services.referral.configuration import ConfigurationError
from services.referral.plan import Address, IcfCode, Narrative, Relative
from services.referral.rights import holdings
from services.referral.rights.endpoints import Rights
from services.referral.rights.retention import RULES, Retention, rules
from shared.crypto import Unreadable, open_record
from shared.endpoints import Answer, Refused
from shared.envelope import Message
from tests.delivery import deliver_twice, events_of
from tests.integration.referral_room import Room, names, only, verdict
from tests.staff import FAR_AWAY, LIS, a_call, asked
from tests.unit.referral.factories import NOW, a_decided, a_register

HOME = Address(street="Testgade 1", suburb=None, postcode="4300", district="Holbæk")
PLAN = fhir_plan(
    address=HOME,
    phone="+447700900101",
    email="ruddi@post.example",
    relatives=[Relative(name="Lonni Test Lauridsen", phone="+447700900102", relation="nabo")],
    narrative=Narrative(safety="Må ikke belaste hoften", practical="Bor på 3. sal"),
    icf=[IcfCode(code="d450", qualifier="3", text="Gang")],
    consent=True,
)
PERSON = (
    "1502779995",
    "Ruddi",
    "Berggren",
    "Testgade",
    "447700900101",
    "ruddi@post",
    "Lonni",
    "belaste hoften",
    "3. sal",
    "Hoften",
    "Hvornår begynder træningen?",
)


@pytest.fixture
def rights() -> Rights:
    return Rights(decided=a_decided(), register=a_register())


async def ruddi(room: Room) -> str:
    """Ruddi's plan is taken; gives the citizen's id."""
    outcomes = await room.takes(PLAN)
    citizen: str = only(outcomes, "referral.received")["citizen_id"]
    assert verdict((await room.takes(care_communication(topic="Hoften")))[0]) == "ok"
    return citizen


async def everything(room: Room) -> str:
    """All that lies in the database, opened wherever our keys open it."""
    register, found = a_register(), []
    tables = await room.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    for (table,) in tables:
        for row in await room.conn.fetch(f'SELECT * FROM "{table}"'):  # noqa: S608
            found.append(repr(dict(row)))
            for value in row.values():
                if isinstance(value, bytes):
                    found += opened(value, [str(one) for one in row.values()], register)
    return "\n".join(found)


def opened(value: bytes, contexts: list[str], register: Any) -> list[str]:
    found = []
    for context in contexts:
        for vault in (register.vault, register.records):
            for way in (vault.open, lambda v, c, vault=vault: open_record(vault, v, c)):
                try:
                    found.append(way(value, context).decode(errors="replace"))
                except (Unreadable, ValueError):
                    continue
    return found


async def test_a_citizen_is_found_by_number_and_that_is_logged(room: Room, rights: Rights) -> None:
    mine = await ruddi(room)
    call = a_call(LIS, body={"cpr": "150277-9995"})
    answer = await asked(room.conn, rights.find, call, room.now)
    assert answer.content == {"citizen_id": mine}
    log = await room.rows("SELECT actor, action, citizen_id FROM access_log ORDER BY id")
    assert log[-1] == ("staff:316-privacy", "citizen.find", mine)
    for body, status in (({"cpr": "0201609995"}, 404), ({"cpr": "3102779995"}, 422), ({}, 422)):
        with pytest.raises(Refused) as refused:
            await asked(room.conn, rights.find, a_call(LIS, body=body), room.now)
        assert refused.value.status == status
        assert "9995" not in refused.value.text


async def test_another_municipalitys_staff_find_nothing(room: Room, rights: Rights) -> None:
    mine = await ruddi(room)
    for handler, more in (
        (rights.find, {"body": {"cpr": "1502779995"}}),
        (rights.data, {"path": {"id": mine}}),
        (rights.erasure, {"path": {"id": mine}, "body": {"close": True}}),
        (rights.log, {"query": {"citizen": mine}}),
    ):
        with pytest.raises(Refused) as refused:
            await asked(room.conn, handler, a_call(FAR_AWAY, **more), room.now)
        assert refused.value.status == 404
    query = {"user": "service:referral"}
    answer = await asked(room.conn, rights.log, a_call(FAR_AWAY, query=query), room.now)
    assert answer.content == []
    assert {endpoint.roles for endpoint in rights.endpoints()} == {frozenset({"privacy"})}


async def test_a_citizens_own_data_is_everything_that_is_kept(room: Room, rights: Rights) -> None:
    mine = await ruddi(room)
    answer = await asked(room.conn, rights.data, a_call(LIS, path={"id": mine}), room.now)
    assert isinstance(answer.content, dict)
    shown = repr(answer.content)
    for said in PERSON:
        assert said in shown, said
    (referral,) = answer.content["referrals"]
    assert referral["details"]["narrative"]["safety"] == "Må ikke belaste hoften"
    assert referral["details"]["icf"] == [{"code": "d450", "qualifier": "3", "text": "Gang"}]
    assert referral["details"]["consent"] is True
    assert answer.content["orders"][0]["state"]["programme"] == "p140-almen"
    assert answer.content["access_log"][0]["action"] == "citizen.export"


async def test_the_log_is_searched_by_citizen_and_by_user(room: Room, rights: Rights) -> None:
    mine = await ruddi(room)
    await asked(room.conn, rights.data, a_call(LIS, path={"id": mine}), room.now)

    async def search(**query: str) -> list[tuple[str, str]]:
        answer = await asked(room.conn, rights.log, a_call(LIS, query=query), room.now)
        assert isinstance(answer.content, list)
        return [(one["actor"], one["action"]) for one in answer.content]

    assert await search(user="316-privacy") == [("staff:316-privacy", "citizen.export")]
    assert ("service:referral", "citizen.write") in await search(citizen=mine)
    day = NOW.date()
    assert await search(citizen=mine, since=str(day), until=str(day))
    assert await search(citizen=mine, since=str(day + timedelta(days=1))) == []
    assert await search(citizen=mine, until=str(day - timedelta(days=1))) == []
    for wrong in ({}, {"user": "a", "citizen": mine}, {"user": "a", "since": "i går"}):
        with pytest.raises(Refused) as refused:
            await search(**wrong)
        assert refused.value.status == 422


async def erased(room: Room, rights: Rights, citizen: str, *, close: bool) -> Answer:
    call = a_call(LIS, path={"id": citizen}, body={"close": close})
    return await asked(room.conn, rights.erasure, call, room.now)


async def test_an_erasure_leaves_a_course_without_a_person(room: Room, rights: Rights) -> None:
    mine = await ruddi(room)
    before = await everything(room)
    for said in PERSON:
        assert said in before, said
    with pytest.raises(Refused) as refused:
        await erased(room, rights, mine, close=False)
    assert refused.value.status == 409
    answer = await erased(room, rights, mine, close=True)
    types = [event.type.removeprefix("dk.genvej.") for event in answer.applied.events]
    assert types == [
        "referral.closed.v1",
        "order.withdrawn.v1",
        "referral.status.v1",
        "citizen.recorded.v1",
    ]
    tombstone = answer.applied.events[-1]
    assert (tombstone.topic, tombstone.key, tombstone.value) == ("citizens", mine, None)
    after = await everything(room)
    for said in PERSON:
        assert said not in after, said
    log = await room.rows("SELECT actor, action FROM access_log WHERE citizen_id = $1", mine)
    assert ("staff:316-privacy", "citizen.erase") in log
    assert await room.rows("SELECT count(*) FROM referrals") == [(1,)]
    with pytest.raises(Refused, match="erased already"):
        await erased(room, rights, mine, close=True)


async def test_whoever_was_erased_and_comes_again_is_somebody_new(
    room: Room, rights: Rights
) -> None:
    mine = await ruddi(room)
    await erased(room, rights, mine, close=True)
    outcomes = await room.takes(fhir_plan(document_id="again"))
    assert verdict(outcomes[0]) == "ok"
    received = only(outcomes, "referral.received")
    assert received["citizen_id"] != mine
    assert names(outcomes)[0] == "citizen.recorded"


def the_hour(now: datetime) -> Message:
    cause = f"retention/{now:%Y-%m-%dT%H}"
    return Message(
        topic="",
        partition=0,
        offset=0,
        key=None,
        value=None,
        timestamp=now,
        id=cause,
        source="/genvej/referral/retention",
    )


async def test_what_is_past_is_erased_and_deleted_and_nothing_else(
    room: Room, rights: Rights
) -> None:
    mine = await ruddi(room)
    await erased_later(room, mine)
    retention = Retention(a_register(), rules())
    soon, late = NOW + timedelta(days=1820), NOW + timedelta(days=1900)
    outcomes = await deliver_twice(room.conn, retention, [the_hour(soon)], soon)
    assert events_of(outcomes) == []
    assert await room.rows("SELECT count(*) FROM documents") == [(3,)]
    outcomes = await deliver_twice(room.conn, retention, [the_hour(late)], late)
    assert [(event.key, event.value) for event in events_of(outcomes)] == [(mine, None)]
    text = await everything(room)
    for said in PERSON:
        assert said not in text, said
    assert await room.rows("SELECT count(*) FROM documents") == [(0,)]
    log = await room.rows("SELECT actor, action FROM access_log")
    assert log == [("service:referral", "citizen.erase")]


async def erased_later(room: Room, citizen: str) -> None:
    """The plan is revoked, so that nothing is open."""
    document = fhir_plan(
        document_id="back", corrects="152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22", revoked=True
    )
    assert verdict((await room.takes(document))[0]) == "ok"


async def test_an_open_referral_keeps_its_citizen_however_old(room: Room) -> None:
    await ruddi(room)
    late = NOW + timedelta(days=4000)
    retention = Retention(a_register(), rules())
    outcomes = await deliver_twice(room.conn, retention, [the_hour(late)], late)
    assert events_of(outcomes) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('what = "stays"', 'what = "stay"'), "rule.3.what"),
        (("days = 366", "days = 30"), "rule.3.days"),
        (("days = 366", 'days = "a year"'), "rule.3.days"),
        (('what = "stays"', 'what = "worklist"'), "one rule each is needed for: stays, worklist"),
    ],
)
def test_bad_rules_are_refused_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    path = tmp_path / "retention.toml"
    path.write_text(RULES.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        rules(path)
    assert said in str(raised.value)
    assert str(path) in str(raised.value)


async def test_every_sealed_column_is_known_to_exports_and_erasures(room: Room) -> None:
    rows = await room.rows(
        """SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
           JOIN information_schema.tables t USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND c.data_type = 'bytea'
             AND t.table_type = 'BASE TABLE' AND c.table_name <> 'waiting'"""
    )
    known = {*holdings.SEALED, *holdings.PLAIN_BYTES}
    assert set(rows) - known == set(), "say in services/referral/rights how these open"
