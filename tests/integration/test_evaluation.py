"""Forms on a real database: asked by timers, answered by staff, told as figures; and drop-ins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan
from services.referral.drop_ins import DropIns
from services.referral.evaluation import store
from services.referral.evaluation.handlers import Evaluation
from services.referral.evaluation.timers import ASK
from services.referral.events_citizen import CitizenName
from services.referral.store_orders import newest_orders, save_orders
from shared.endpoints import Refused
from shared.envelope import Event, Message
from shared.handling import Dead, DueTimer, Outcome, Parked
from tests.delivery import deliver_twice, events_of
from tests.integration.referral_room import Room, data, names, only
from tests.staff import FAR_AWAY, KAREN, a_call, asked
from tests.unit.referral.factories import NOW, PORTFOLIO, a_register

EVALUATION = Evaluation(portfolio=PORTFOLIO, register=a_register())
DROP_INS = DropIns(programmes=PORTFOLIO.programmes)
WHODAS = [2, 3, 1, 0, 2, 1, 3, 2, 0, 1, 2, 1]


async def a_basal_course(room: Room, **plan: Any) -> str:
    """A referral whose order carries p140-basal; its id."""
    id_: str = only(await room.takes(fhir_plan(**plan)), "order.placed")["referral_id"]
    row = (await newest_orders(room.conn, [id_]))[id_]
    basal = PORTFOLIO.programmes["p140-basal"]
    order = replace(row.order, programme=basal.id, steps=basal.steps)
    await save_orders(room.conn, [replace(row, order=order)], room.now)
    return id_


async def closes(room: Room, referral_id: str, reason: str) -> None:
    await room.conn.execute(
        "UPDATE referrals SET closed = $2, order_stands = false WHERE referral_id = $1",
        referral_id,
        reason,
    )


async def rings(room: Room, referral_id: str, moment: str) -> Sequence[Outcome]:
    timer = DueTimer(
        id="1",
        kind=ASK,
        key=f"{referral_id}/{moment}",
        due=room.now,
        partition_key="316",
        data=moment.encode(),
    )
    return await deliver_twice(room.conn, due_without_log, [(room, timer)], room.now)


async def due_without_log(unit: Any, pairs: Sequence[tuple[Room, DueTimer]]) -> Sequence[Outcome]:
    """The handler; each reading is on record each time, so the record is left out."""
    outcomes = await EVALUATION.due(unit, [timer for _, timer in pairs])
    logged = await unit.conn.fetchval(
        "SELECT count(*) FROM access_log WHERE action = 'evaluation.ask'"
    )
    assert logged in (0, 1)
    await unit.conn.execute("DELETE FROM access_log WHERE action = 'evaluation.ask'")
    return outcomes


def heard(event: Event) -> Message:
    return Message(
        topic=event.topic,
        partition=0,
        offset=0,
        key=event.key.encode(),
        value=event.value,
        timestamp=NOW,
        id="1",
        source="/genvej/referral",
        type=event.type,
        subject=event.subject,
    )


async def test_forms_are_asked_once_each(room: Room) -> None:
    id_ = await a_basal_course(room)
    outcomes = await rings(room, id_, "before")
    assert names(outcomes) == ["evaluation.asked"] * 2
    assert {data(event)["form"] for event in events_of(outcomes)} == {"own-goals", "whodas-12"}
    assert names(await rings(room, id_, "before")) == []


@pytest.mark.parametrize(
    ("reason", "moment", "count"),
    [
        ("completed", "after", 2),
        ("completed", "six-months", 2),
        ("completed", "before", 0),
        ("revoked", "after", 0),
        ("deceased", "six-months", 0),
    ],
)
async def test_only_a_completed_course_is_asked_about(
    room: Room, reason: str, moment: str, count: int
) -> None:
    id_ = await a_basal_course(room)
    await closes(room, id_, reason)
    assert len(names(await rings(room, id_, moment))) == count


@pytest.mark.parametrize(
    "now", [{"deceased": True}, {"name": CitizenName(given="", family="")}], ids=["dead", "erased"]
)
async def test_nobody_who_is_dead_or_erased_is_asked(
    room: Room, monkeypatch: pytest.MonkeyPatch, now: dict[str, Any]
) -> None:
    id_ = await a_basal_course(room)
    register = type(EVALUATION.register)
    known = register.open
    monkeypatch.setattr(register, "open", lambda self, one: known(self, one).model_copy(update=now))
    assert names(await rings(room, id_, "before")) == []


async def test_an_answer_is_scored_told_without_whose_it_is_and_may_be_mended(room: Room) -> None:
    id_ = await a_basal_course(room)
    (one,) = (e for e in events_of(await rings(room, id_, "before")) if b"whodas" in e.value)  # type: ignore[operator]
    evaluation = data(one)["evaluation_id"]
    call = a_call(path={"id": evaluation}, body={"answers": WHODAS})
    answer = await asked(room.conn, EVALUATION.answer, call, room.now)
    (event,) = answer.applied.events
    assert data(event)["score"] == 18
    assert id_ not in (event.value or b"").decode()
    assert not {"referral_id", "citizen_id"} & data(event).keys()
    again = a_call(path={"id": evaluation}, body={"answers": [0] * 12})
    await asked(room.conn, EVALUATION.answer, again, room.now + timedelta(minutes=1))
    assert await room.rows("SELECT score FROM evaluations WHERE answered_at IS NOT NULL") == [(0,)]


async def test_the_code_that_the_citizen_is_sent_answers_each_form_of_the_moment(
    room: Room,
) -> None:
    id_ = await a_basal_course(room)
    events = events_of(await rings(room, id_, "before"))
    [code] = {data(event)["code"] for event in events}
    assert {data(event)["municipality"] for event in events} == {"316"}
    assert id_ not in code
    path = {"id": code.lower()}
    call = a_call(path=path, body={"answers": [4]})
    with pytest.raises(Refused, match="say which, own-goals or whodas-12"):
        await asked(room.conn, EVALUATION.answer, call, room.now)
    for form, answers in (("own-goals", [4]), ("whodas-12", WHODAS)):
        call = a_call(path=path, body={"answers": answers, "form": form})
        await asked(room.conn, EVALUATION.answer, call, room.now)
    found = await asked(room.conn, EVALUATION.asked, a_call(query={"code": code}), room.now)
    assert isinstance(found.content, list)
    assert {(row["form"], row["score"]) for row in found.content} == {
        ("own-goals", 4.0),
        ("whodas-12", 18.0),
    }


async def test_wrong_answers_and_others_citizens_are_refused(room: Room) -> None:
    id_ = await a_basal_course(room)
    evaluation = data(events_of(await rings(room, id_, "before"))[0])["evaluation_id"]
    path = {"id": evaluation}
    for call, status in (
        (a_call(path=path, body={"answers": [99]}), 422),
        (a_call(path=path, body={"answers": "many"}), 422),
        (a_call(FAR_AWAY, path=path, body={"answers": [1]}), 403),
        (a_call(path={"id": "nothing"}, body={"answers": [1]}), 404),
    ):
        with pytest.raises(Refused) as refused:
            await asked(room.conn, EVALUATION.answer, call, room.now)
        assert refused.value.status == status


async def test_a_restored_database_learns_what_was_asked_and_answered(room: Room) -> None:
    id_ = await a_basal_course(room)
    first = events_of(await rings(room, id_, "before"))[0]
    call = a_call(path={"id": data(first)["evaluation_id"]}, body={"answers": [4]})
    (second,) = (await asked(room.conn, EVALUATION.answer, call, room.now)).applied.events
    await room.conn.execute("DELETE FROM evaluations")
    (parked,) = await deliver_twice(room.conn, EVALUATION.hear, [heard(second)], room.now)
    assert isinstance(parked, Parked)
    (applied,) = await deliver_twice(room.conn, EVALUATION.hear, [heard(first)], room.now)
    assert list(applied.releases) == [parked.waits_for]  # type: ignore[union-attr]
    await deliver_twice(room.conn, EVALUATION.hear, [heard(second)], room.now)
    assert await room.rows("SELECT score FROM evaluations") == [(4,)]


async def test_the_report_names_nobody_and_hides_few(room: Room) -> None:
    id_ = await a_basal_course(room)
    evaluation = data(events_of(await rings(room, id_, "before"))[0])["evaluation_id"]
    call = a_call(path={"id": evaluation}, body={"answers": [4]})
    await asked(room.conn, EVALUATION.answer, call, room.now)
    told = (await asked(room.conn, EVALUATION.report, a_call(), room.now)).content
    assert isinstance(told, list)
    row = told[0]
    assert (row["programme"], row["answers"], row["mean"]) == ("p140-basal", None, None)
    assert (await asked(room.conn, EVALUATION.report, a_call(FAR_AWAY), room.now)).content == []


async def test_courses_are_counted_by_programme_and_few_are_not_told(room: Room) -> None:
    await a_basal_course(room)
    (one,) = await store.courses(room.conn, None)
    assert one == "p140-basal"
    found = (await asked(room.conn, EVALUATION.courses, a_call(), room.now)).content
    assert isinstance(found, list)
    assert found[0] == {
        "programme": "p140-basal",
        "referred": None,
        "waiting": None,
        "under_way": None,
        "completed": None,
        "ended": None,
    }
    assert sum((await store.courses(room.conn, ["316"]))[one].values()) == 1
    assert (await asked(room.conn, EVALUATION.courses, a_call(FAR_AWAY), room.now)).content == []


async def test_few_who_just_came_are_not_told(room: Room) -> None:
    body = {"provider": "316", "programme": "back-counselling", "day": "2022-05-23", "count": 4}
    await asked(room.conn, DROP_INS.count, a_call(body=body), room.now)
    found = (await asked(room.conn, DROP_INS.figures, a_call(), room.now)).content
    assert isinstance(found, list)
    row = found[0]
    assert (row["count"], row["days"]) == (None, None)


async def test_who_just_comes_is_counted_and_never_named(room: Room) -> None:
    body = {"provider": "316", "programme": "back-counselling", "day": "2022-05-23", "count": 7}
    answer = await asked(room.conn, DROP_INS.count, a_call(body=body), room.now)
    (event,) = answer.applied.events
    assert (event.topic, data(event)["count"]) == ("drop-ins", 7)
    later = room.now + timedelta(hours=1)
    await asked(room.conn, DROP_INS.count, a_call(body=body | {"count": 9}), later)
    await asked(room.conn, DROP_INS.count, a_call(body=body | {"place": "h2"}), later)
    await deliver_twice(room.conn, DROP_INS.hear, [heard(event)], later)
    figures = (await asked(room.conn, DROP_INS.figures, a_call(), later)).content
    assert figures == [
        {"programme": "back-counselling", "month": "2022-05", "count": 16, "days": 1}
    ]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"programme": "mastery"}, 422),
        ({"programme": "nothing"}, 422),
        ({"day": "2022-05-24"}, 422),
        ({"count": -1}, 422),
        ({"name": "Karen"}, 422),
        ({"provider": "730"}, 403),
    ],
)
async def test_what_can_not_be_counted_is_refused(
    room: Room, changed: dict[str, Any], status: int
) -> None:
    body = {"provider": "316", "programme": "back-counselling", "day": "2022-05-23", "count": 7}
    with pytest.raises(Refused) as refused:
        await asked(room.conn, DROP_INS.count, a_call(KAREN, body=body | changed), room.now)
    assert refused.value.status == status


async def test_what_is_no_count_is_a_dead_letter(room: Room) -> None:
    value = orjson.dumps({"provider": "316"})
    kind = "dk.genvej.drop-in.counted.v1"
    event = Event(topic="drop-ins", key="316", type=kind, subject="x", value=value)
    outcomes = await deliver_twice(room.conn, DROP_INS.hear, [heard(event)], room.now)
    assert isinstance(outcomes[0], Dead)
