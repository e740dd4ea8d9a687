"""What planners ask over HTTP: answered from the service's own past, by a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.planning.statement import toml
from services.scheduling import store_what_if
from services.scheduling.endpoints_what_if import COMMAND, WhatIf
from services.scheduling.incoming import stated
from services.scheduling.settings import Municipality
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


def habits(_: str) -> Municipality:
    return Municipality()


PLANNER = Member(id="730-planner", name="P", role="planner", unit="U", provider="730")
ELSEWHERE = Member(id="316-planner", name="P", role="planner", unit="U", provider="316")
QUESTION = {
    **{"provider": "730", "close": ["L"], "staff": "follow", "rooms": "move"},
    **{"policy": "priced", "weeks": 2, "seeds": 2},
}


def a_candidate(**other: Any) -> dict[str, Any]:
    stated = a_statement("A", **other)
    return {"location": stated["location"], "rooms": stated["rooms"]}


EMPTY = a_candidate(rooms=0)
ABROAD = a_candidate()
ABROAD["location"] = ABROAD["location"] | {"lat": 40.1}


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Process(conn)
    await conn.close()


Opened = Callable[..., WhatIf]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens the endpoints; what they started ends with the test."""
    every: list[WhatIf] = []

    def open_(*command: str) -> WhatIf:
        every.append(WhatIf(habits, command or COMMAND))
        return every[-1]

    yield open_
    for one in every:
        await one.close()


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


async def test_the_past_is_asked_what_a_closure_would_mean(
    process: Process, opened: Opened
) -> None:
    await a_past(process)
    what_if = opened()
    assert await ask(process, what_if, QUESTION) == {
        **{"id": "w1", "href": "/what-if/w1", "requests": 3, "left_out": 0, "state": "running"}
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


async def test_what_the_world_cannot_do_is_answered(process: Process, opened: Opened) -> None:
    await a_past(process)
    what_if = opened()
    await ask(process, what_if, QUESTION | {"close": ["mars"]})
    told = await answered(process, what_if)
    assert (told["state"], told["refused"]) == (
        "refused",
        "no location is called mars; known are L, R",
    )


async def test_a_location_is_opened_and_staff_is_as_given(process: Process, opened: Opened) -> None:
    await a_past(process)
    what_if = opened()
    given = [
        a_statement("R", a_therapist("T1", *all_week())),
        a_statement("A", a_therapist("T2", *all_week())),
    ]
    new = {"open": ["A"], "candidates": [a_candidate()], "staff": "given", "staff_weeks": given}
    await ask(process, what_if, QUESTION | new)
    told = await answered(process, what_if)
    assert told["state"] == "answered", told
    (option,) = told["answer"]["options"]
    assert (option["open"], option["close"]) == (["A"], ["L"])
    assert option["load"]["A"] is not None
    assert told["answer"]["question"]["staff"] == "as given"


async def test_the_command_finds_the_same_from_files(
    process: Process, opened: Opened, tmp_path: Path
) -> None:
    """The same capacity and the same past, once in the service and once in a planner's files."""
    await a_past(process)
    weeks = await store_what_if.newest_weeks(process.conn, "730")
    past, _ = await store_what_if.past_requests(process.conn, "730")
    roster, requests = tmp_path / "roster.toml", tmp_path / "requests.csv"
    roster.write_text(toml("randers", [stated(week) for week in weeks]), encoding="utf-8")
    rows = [
        f"{one.arrived};{one.earliest - timedelta(days=1)};{one.limit};{one.postcode};"
        f"{'|'.join(one.competences)};{one.minutes};{'ja' if one.vulnerable else 'nej'}"
        for one in past
    ]
    heads = "arrived;discharged;limit;postcode;competences;minutes;vulnerable"
    requests.write_text("\n".join([heads, *rows]), encoding="utf-8")
    what_if = opened()
    question = {key: value for key, value in QUESTION.items() if key != "close"}
    body = question | {"keep": [1], "policy": "re-plan", "quick_seeds": 2, "from": "2026-11-23"}
    await ask(process, what_if, body | {"transition": {}})
    over_http = (await answered(process, what_if))["answer"]
    options = ("--keep", "1", "--staff", "follow", "--rooms", "move", "--from", "2026-11-23")
    fewer = ("--weeks", "2", "--seeds", "2", "--quick-seeds", "2", "--transition", "--json")
    files = ("--roster", str(roster), "--requests", str(requests))
    nobody = tmp_path / "municipalities"
    nobody.mkdir()
    (nobody / "730.toml").write_text('code = "730"\n', encoding="utf-8")
    habit = ("--municipalities", str(nobody))
    arguments = ["what-if", *files, *options, *fewer, *habit]
    ran = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert ran.exit_code == 0, ran.output
    by_command = json.loads(ran.stdout)
    for found in (over_http, by_command):
        del found["question"]["requests"]
        found["assumptions"] = [one for one in found["assumptions"] if "Requests:" not in one]
    assert by_command == over_http


async def test_a_simulation_can_be_cancelled_and_leaves_the_way_free(
    process: Process, opened: Opened
) -> None:
    await a_past(process)
    what_if = opened(sys.executable, "-c", "import signal; signal.pause()")
    await ask(process, what_if, QUESTION)
    unit = Unit(conn=process.conn, now=process.now)
    call = Call(staff=PLANNER, id="", path={"id": "w1"})
    for _ in range(2):
        assert (await what_if.cancel(unit, call))["state"] == "cancelled"
    with pytest.raises(Refused) as caught:
        await what_if.cancel(unit, Call(staff=ELSEWHERE, id="", path={"id": "w1"}))
    assert caught.value.status == 403
    await ask(process, what_if, QUESTION, "w2")
    assert (await what_if.cancel(unit, Call(staff=PLANNER, id="", path={"id": "w2"})))[
        "state"
    ] == "cancelled"


async def test_a_simulation_ends_with_its_service(
    process: Process, opened: Opened, tmp_path: Path
) -> None:
    await a_past(process)
    begun = tmp_path / "begun"
    script = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).mkdir(); signal.pause()"
    what_if = opened(sys.executable, "-c", script, str(begun))
    await ask(process, what_if, QUESTION)
    await until(begun.exists)
    (simulating,) = (one for one in psutil.Process().children() if str(begun) in one.cmdline())
    await what_if.close()
    assert not simulating.is_running()
    assert (await tell(process, what_if, "w1"))["state"] == "failed"


async def test_a_process_that_fails_leaves_a_failure_and_the_way_free(
    process: Process, opened: Opened
) -> None:
    await a_past(process)
    what_if = opened(sys.executable, "-c", "raise SystemExit(1)")
    await ask(process, what_if, QUESTION)
    assert (await answered(process, what_if))["state"] == "failed"
    await ask(process, what_if, QUESTION, "w2")
    assert (await answered(process, what_if, "w2"))["state"] == "failed"


async def test_one_simulation_runs_at_a_time(process: Process, opened: Opened) -> None:
    await a_past(process)
    what_if = opened(sys.executable, "-c", "input(); input()")
    await ask(process, what_if, QUESTION)
    with pytest.raises(Refused, match="another simulation is running"):
        await ask(process, what_if, QUESTION, "w2")
    await answered(process, what_if)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (QUESTION | {"keep": [0]}, 422, "cannot keep 0 locations"),
        (QUESTION | {"staff": "given"}, 422, "staff as given needs staff_weeks"),
        (QUESTION | {"staff_weeks": [a_statement("R")]}, 422, "and only that does"),
        (QUESTION | {"candidates": [ABROAD]}, 422, "A: location.lat 40.1 is outside Denmark"),
        (QUESTION | {"candidates": [EMPTY]}, 422, "A: rooms a location that is open needs a room"),
        (QUESTION | {"load": float("nan")}, 422, "load: input should be a finite number"),
        (QUESTION | {"transition": {"weeks": 1, "notice": 60}}, 422, "from 1 day to 7 days"),
        ({"provider": "730", "rooms": "move"}, 422, "staff: field required"),
        (QUESTION | {"plans": -1}, 422, "between 0 and 10 times"),
        (QUESTION | {"people": 1}, 422, "people"),
        (QUESTION | {"provider": "316"}, 403, "does not work for provider 316"),
        (QUESTION, 422, "no capacity is stated"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    process: Process, opened: Opened, body: dict[str, Any], status: int, says: str
) -> None:
    with pytest.raises(Refused) as caught:
        await ask(process, opened(), body)
    assert (caught.value.status, says in caught.value.text) == (status, True)


async def test_a_provider_without_requests_has_nothing_to_plan(
    process: Process, opened: Opened
) -> None:
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *all_week()))))
    with pytest.raises(Refused, match="has had no requests"):
        await ask(process, opened(), QUESTION)


async def test_only_who_works_for_the_provider_reads_the_answer(
    process: Process, opened: Opened
) -> None:
    await a_past(process)
    what_if = opened(sys.executable, "-c", "")
    await ask(process, what_if, QUESTION)
    with pytest.raises(Refused) as caught:
        await tell(process, what_if, "w1", ELSEWHERE)
    assert caught.value.status == 403
    with pytest.raises(Refused, match="no such simulation"):
        await tell(process, what_if, "w9")
    await answered(process, what_if)


def test_the_process_that_simulates_is_the_services_own() -> None:
    assert (sys.executable, "-m", "services.scheduling.what_if") == COMMAND
