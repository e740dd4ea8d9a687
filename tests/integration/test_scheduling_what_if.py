"""What planners ask over HTTP: answered from the service's own past, by a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.scheduling.endpoints_what_if import COMMAND, WhatIf
from services.scheduling.weights import WEIGHTS, Weights
from shared.endpoints import Call, Refused
from shared.handling import Unit
from shared.staff import Member
from tests.conftest import Databases
from tests.integration.scheduling_service import Process
from tests.unit.scheduling.factories import (
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    capacity_stated,
    orders_placed,
)
from tests.waiting import until


def habits(_: str) -> tuple[Weights, int]:
    return WEIGHTS, 2


PLANNER = Member(id="730-planner", name="P", role="planner", unit="U", provider="730")
ELSEWHERE = Member(id="316-planner", name="P", role="planner", unit="U", provider="316")
QUESTION = {
    **{"provider": "730", "close": ["L"], "staff": "follow", "rooms": "move"},
    **{"policy": "priced", "weeks": 2, "seeds": 2},
}


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Process(conn)
    await conn.close()


async def a_past(process: Process) -> None:
    """Two locations, and three citizens who were booked."""
    for code, therapist in (("R", "T1"), ("L", "T2")):
        statement = a_statement(code, a_therapist(therapist, *all_week()))
        await process.capacity(capacity_stated(statement))
    orders = [
        an_order_body(order_id=f"o{n}", referral_id=f"r{n}", citizen_id=f"c{n}") for n in range(3)
    ]
    await process.orders(orders_placed(orders))


async def ask(process: Process, what_if: WhatIf, body: dict[str, Any], name: str = "w1") -> Any:
    unit = Unit(conn=process.conn, now=process.now)
    async with process.conn.transaction():
        answer = await what_if.ask(unit, Call(staff=PLANNER, id=name, body=body))
    for done in unit.on_commit:
        done()
    return answer.content


async def tell(process: Process, what_if: WhatIf, name: str, staff: Member = PLANNER) -> Any:
    unit = Unit(conn=process.conn, now=process.now)
    return await what_if.tell(unit, Call(staff=staff, id="", path={"id": name}))


async def answered(process: Process, what_if: WhatIf, name: str = "w1") -> Any:
    async def done() -> Any:
        told = await tell(process, what_if, name)
        return told if told["state"] != "running" else None

    return await until(done)


async def test_the_past_is_asked_what_a_closure_would_mean(process: Process) -> None:
    await a_past(process)
    what_if = WhatIf(habits)
    assert await ask(process, what_if, QUESTION) == {
        **{"id": "w1", "requests": 3, "left_out": 0, "state": "running"}
    }
    told = await answered(process, what_if)
    assert told["state"] == "answered", told
    answer = told["answer"]
    assert answer["question"]["staff"] == "follow to the nearest"
    assert [one["keep"] for one in answer["options"]] == [["R"]]
    assert answer["today"]["keep"] == ["L", "R"]
    assert told["announcement"].startswith("1 set of locations")
    assert "o1" not in json.dumps(told)
    assert "c1" not in json.dumps(told)


async def test_what_the_world_cannot_do_is_answered(process: Process) -> None:
    await a_past(process)
    what_if = WhatIf(habits)
    await ask(process, what_if, QUESTION | {"close": ["mars"]})
    told = await answered(process, what_if)
    assert (told["state"], told["refused"]) == (
        "refused",
        "no location is called mars; known are L, R",
    )


async def test_a_process_that_fails_leaves_a_failure_and_the_way_free(process: Process) -> None:
    await a_past(process)
    what_if = WhatIf(habits, (sys.executable, "-c", "raise SystemExit(1)"))
    await ask(process, what_if, QUESTION)
    assert (await answered(process, what_if))["state"] == "failed"
    await ask(process, what_if, QUESTION, "w2")
    assert (await answered(process, what_if, "w2"))["state"] == "failed"


async def test_one_simulation_runs_at_a_time(process: Process) -> None:
    await a_past(process)
    what_if = WhatIf(habits, (sys.executable, "-c", "input(); input()"))
    await ask(process, what_if, QUESTION)
    with pytest.raises(Refused, match="another simulation is running"):
        await ask(process, what_if, QUESTION, "w2")
    await answered(process, what_if)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (QUESTION | {"keep": [0]}, 422, "cannot keep 0 locations"),
        (QUESTION | {"staff": "given"}, 422, "staff"),
        ({"provider": "730", "rooms": "move"}, 422, "staff: field required"),
        (QUESTION | {"plans": -1}, 422, "between 0 and 10 times"),
        (QUESTION | {"people": 1}, 422, "people"),
        (QUESTION | {"provider": "316"}, 403, "does not work for provider 316"),
        (QUESTION, 422, "no capacity is stated"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    process: Process, body: dict[str, Any], status: int, says: str
) -> None:
    with pytest.raises(Refused) as caught:
        await ask(process, WhatIf(habits), body)
    assert (caught.value.status, says in caught.value.text) == (status, True)


async def test_a_provider_without_requests_has_nothing_to_plan(process: Process) -> None:
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *all_week()))))
    with pytest.raises(Refused, match="has had no requests"):
        await ask(process, WhatIf(habits), QUESTION)


async def test_only_who_works_for_the_provider_reads_the_answer(process: Process) -> None:
    await a_past(process)
    what_if = WhatIf(habits, (sys.executable, "-c", ""))
    await ask(process, what_if, QUESTION)
    with pytest.raises(Refused) as caught:
        await tell(process, what_if, "w1", ELSEWHERE)
    assert caught.value.status == 403
    with pytest.raises(Refused, match="no such simulation"):
        await tell(process, what_if, "w9")
    await answered(process, what_if)


def test_the_process_that_simulates_is_the_services_own() -> None:
    assert (sys.executable, "-m", "services.scheduling.what_if") == COMMAND
