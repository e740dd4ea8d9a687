"""Every programme through Kafka, from its referral to its last step, by the services themselves.

Scheduling books every session; that the citizen came is then said in scheduling's name, as the
event that `POST /sessions/{id}/attendance` gives rise to on the session's day. The last sessions of
a long course are told later, when scheduling's clock has come nearer to them.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from deploy.cli import kafka as client
from deploy.cli.main import app
from deploy.demo.citizens import TEST_PERSONS, replacement_cpr
from deploy.demo.documents import fhir_plan
from deploy.demo.fhir_referral import fhir_referral
from deploy.local.processes import wait_until
from deploy.local.stack import ROOT, Stack
from deploy.local.staff import token
from services.referral.plan import PlanType
from services.referral.portfolio.register import State
from services.referral.programme import Programme
from services.referral.programme_files import load
from services.referral.programme_terms import OPENING, Basis, Moment
from tests.conftest import Stacks
from tests.waiting import until

PROGRAMMES = load().programmes
TODAY = date(2026, 11, 23)
CLOCK = f"{TODAY}T08:00:00+01:00"
RANDERS: dict[str, Any] = {"receiver_sor": "100000000003730", "receiver_name": "Randers Kommune"}
HOSPITAL = "hospital-100000000000730"
TYPES = {
    "p140-almen": PlanType.ALMEN,
    "p140-basal": PlanType.ALMEN,
    "p140-avanceret": PlanType.ALMEN,
    "p140-rehabilitering-specialiseret": PlanType("rehabilitering-specialiseret"),
    "p140-genoptraening-specialiseret": PlanType("genoptraening-specialiseret"),
}
SENDERS = {
    Basis.MUNICIPALITY: ("municipality-730", "100000000006730"),
    Basis.SELF: ("citizens-730", "100000000010730"),
    Basis.RELATIVE: ("citizens-730", "100000000010730"),
}
WEEKS = 20
"""So far ahead rosters are stated."""
PATIENCE = 200.0
"""Seconds; nothing takes nearly so long."""


@dataclass
class Walk:
    """What was said of one programme's referral."""

    programme: Programme
    document: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def said(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == f"dk.genvej.{name}.v1"]

    @property
    def referral_id(self) -> str:
        found: str = self.said("referral.received")[0]["referral_id"]
        return found

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """The sessions that were offered, as they stand, in their order."""
        found: dict[str, dict[str, Any]] = {}
        for one in self.events:
            if one["event"] in {f"dk.genvej.session.{name}.v1" for name in ("offered", "moved")}:
                found[one["session_id"]] = one
        return sorted(found.values(), key=lambda one: str(one["start"]))

    @property
    def order(self) -> dict[str, Any]:
        """The order as it reads now."""
        return [*self.said("order.placed"), *self.said("order.changed")][-1]


UNTOLD = {"p140-rehabilitering-specialiseret": 2}
"""The last sessions of a long course lie further ahead than a citizen is told of at once."""
NEARER = timedelta(weeks=5)
"""Then they don't."""
LEVELS = {"p140-almen": "basal", "p140-basal": "basal", "p140-avanceret": "avanceret"}


class World:
    """The stack, and everything that its topics say of the walks."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.walks: dict[str, Walk] = {}
        self.weeks: set[str] = set()  # that scheduling has counted
        self.held: set[str] = set()
        self.listener: asyncio.Task[None] | None = None

    async def send(
        self, principal: str, topic: str, value: bytes, key: str = "", kind: str = ""
    ) -> None:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid.uuid4()).encode()),
            ("ce_source", b"/genvej/scheduling"),
            ("ce_type", kind.encode()),
        ]
        async with client.writer(self.stack.kafka.access(principal)) as producer:
            await producer.send_and_wait(
                topic, value, key=key.encode() or None, headers=headers if kind else []
            )

    async def listen(self) -> None:
        access = self.stack.kafka.access("ops")
        topics = ["referrals", "training", "evaluations", "capacity-status"]
        by_referral: dict[str, Walk] = {}
        early: dict[str, list[dict[str, Any]]] = {}
        async with client.reader(access, topics) as consumer:
            async for record in consumer:
                if record.value is None:
                    continue
                one = {**json.loads(record.value), "event": client.header(record, "ce_type")}
                if record.topic == "capacity-status":
                    self.weeks.add(one["week"])
                    continue
                id_ = one.get("referral_id", "")
                if one["event"] == "dk.genvej.referral.received.v1":
                    walk = next(w for w in self.walks.values() if w.document == one["document_id"])
                    by_referral[id_] = walk
                    walk.events += early.pop(id_, [])
                if id_ in by_referral:
                    by_referral[id_].events.append(one)
                else:
                    early.setdefault(id_, []).append(one)

    def later(self) -> None:
        """Lets time pass for scheduling: its durable timers tell of what was held till then."""
        shown = datetime.fromisoformat(CLOCK) + NEARER
        self.stack.stop("scheduling")
        self.stack.start("scheduling", {"GENVEJ_CLOCK": shown.isoformat()})
        self.stack.wait_ready("scheduling")

    async def until(self, ready: Callable[[Walk], bool], among: list[Walk], what: str) -> None:
        def done() -> bool:
            if self.listener is not None and self.listener.done():
                self.listener.result()
            return all(ready(walk) for walk in among)

        try:
            await until(done)
        except TimeoutError:
            missing = [walk for walk in among if not ready(walk)]
            seen = {w.programme.id: [one["event"] for one in w.events] for w in missing}
            pytest.fail(f"never {what}: {seen}")

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What a therapist asks of the referral service."""
        bearer = token(self.stack.state, "730-therapist")
        headers = {"authorization": f"Bearer {bearer}"}
        url = self.stack.connections.url("referral") + path
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.request(method, url, headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()


def a_week(monday: date) -> bytes:
    """Capacity of one place where everybody is able to everything."""
    competences = sorted(
        {
            able
            for one in PROGRAMMES.values()
            for step in one.steps
            for leader in step.leaders
            for able in leader.competences
        }
    )
    days = [
        datetime.combine(monday + timedelta(days=n), datetime.min.time(), UTC) for n in range(5)
    ]
    year, week, _ = monday.isocalendar()
    body = {
        "provider": "730",
        "location": {
            "code": "randers",
            "name": "Træningscentret",
            "address": "Testvej 2",
            "postcode": "8900",
            "lat": 56.46,
            "lon": 10.04,
        },
        "week": f"{year}-W{week:02d}",
        "version": 1,
        "rooms": [{"code": f"r{n}", "name": f"Rum {n}"} for n in range(1, 4)],
        "therapists": [
            {
                "id": f"730-t{n}",
                "competences": competences,
                "languages": ["da"],
                "shifts": [
                    {
                        "start": (day + timedelta(hours=7)).isoformat(),
                        "end": (day + timedelta(hours=15)).isoformat(),
                    }
                    for day in days
                ],
            }
            for n in range(1, 4)
        ],
        "closed": False,
    }
    return json.dumps(body).encode()


def people() -> Iterator[dict[str, str]]:
    """MedCom's test persons, whose age their number tells: some programmes take adults alone."""
    for cpr, given, family in (*TEST_PERSONS, ("1502779995", "Ruddi Test", "Berggren")):
        yield {"cpr": cpr, "given": given, "family": family}


def a_document(walk: Walk, person: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """Who sends what where, for a citizen of their own."""
    one = walk.programme
    person = {**person, "document_id": walk.document}
    sent = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(hours=7)
    if one.id in TYPES:
        plan = fhir_plan(
            **person,
            type=TYPES[one.id],
            sender_sor="271211000016002",
            receiver_ean="5790000003730",
            discharge_date=TODAY,
            authored=TODAY,
            sent_at=sent,
            **RANDERS,
        )
        return HOSPITAL, "hospital.100000000000730.referrals", plan
    basis = next(rule.basis for rule in one.admissions if rule.basis in SENDERS)
    sender, sor = SENDERS[basis]
    referral = fhir_referral(
        **person,
        sender_sor=sor,
        basis=basis,
        programme=one.id,
        asked=TODAY,
        sent_at=sent,
        postcode="8900",
        diagnoses=(),
        consent=True,
        **RANDERS,
    )
    return f"sender-{sender}", f"sender.{sender}.referrals", referral


def attended(walk: Walk, session: dict[str, Any]) -> bytes:
    about = ("session_id", "order_id", "referral_id", "citizen_id", "provider", "step_id", "start")
    start = datetime.fromisoformat(session["start"])
    said = {
        "attended": True,
        "reason": None,
        "by": "730-therapist",
        "at": (start + timedelta(hours=1)).isoformat(),
    }
    return json.dumps({**{name: session[name] for name in about}, **said}).encode()


async def walks(world: World) -> None:
    """All programmes at once, as a municipality has them."""
    world.listener = asyncio.create_task(world.listen())
    try:
        await _walked(world)
    finally:
        world.listener.cancel()


async def _walked(world: World) -> None:
    for weeks in range(WEEKS):
        week = a_week(TODAY + timedelta(weeks=weeks))
        await world.send("roster-randers", "roster.randers.capacity", week)
    await until(lambda: len(world.weeks) >= WEEKS)
    adults = people()
    for number, one in enumerate(PROGRAMMES.values()):
        walk = world.walks[one.id] = Walk(programme=one, document=str(uuid.uuid4()))
        nobody = {
            "cpr": replacement_cpr(date(1960, 3, 7), number),
            "given": "Prøve",
            "family": f"Borger {number}",
        }
        adult = any(rule.ages.least is not None for rule in one.admissions)
        await world.send(*a_document(walk, next(adults) if adult else nobody))
    every = list(world.walks.values())
    await world.until(lambda walk: bool(walk.said("referral.received")), every, "received")
    ours = [walk for walk in every if walk.programme.ordered_here]
    await world.until(
        lambda walk: bool(walk.said("session.offered") or walk.said("order.infeasible")),
        ours,
        "an answer of scheduling",
    )
    met = [walk for walk in ours if goes_on(walk.programme)]
    for walk in met:
        await _met(world, walk)
    await world.until(lambda walk: kinds_of(walk) == kinds(walk.programme), met, "ordered whole")
    await world.until(
        lambda walk: len(walk.sessions) == booked(walk), ours, "booked to the last session"
    )
    await world.until(
        lambda walk: len(_asked(walk, Moment.BEFORE)) == len(_forms(walk, Moment.BEFORE)),
        ours,
        "asked before",
    )
    for walk in ours:
        await _held(world, walk)
    long = [walk for walk in ours if walk.programme.id in UNTOLD]
    at_once = [walk for walk in ours if walk not in long]
    await world.until(lambda walk: bool(walk.said("referral.closed")), at_once, "closed")
    await asyncio.to_thread(world.later)
    await world.until(
        lambda walk: len(walk.sessions) == _count(walk.order["steps"]), long, "told to the last"
    )
    for walk in long:
        await _held(world, walk)
    await world.until(lambda walk: bool(walk.said("referral.closed")), long, "closed")
    await world.until(
        lambda walk: len(_asked(walk, Moment.AFTER)) == len(_forms(walk, Moment.AFTER)),
        ours,
        "asked afterwards",
    )


def goes_on(programme: Programme) -> bool:
    """Whether more is ordered once somebody has met the citizen."""
    return bool(programme.afterwards) or all(step.kind in OPENING for step in programme.steps)


def _count(steps: list[dict[str, Any]]) -> int:
    return sum(step["count"] for step in steps)


async def _met(world: World, walk: Walk) -> None:
    """Somebody has met the citizen: the rest of the programme is ordered."""
    scales = (await world.ask("GET", "/assessment-scales"))["scales"]
    middle = {axis: scale["anchors"][len(scale["anchors"]) // 2] for axis, scale in scales.items()}
    level = {"level": LEVELS[walk.programme.id]} if walk.programme.id in LEVELS else {}
    body = {
        **{axis: anchor["value"] for axis, anchor in middle.items()},
        **level,
        "track": "group",
        "why": "Holdet passer til borgeren",
        "goals": ["Gå til købmanden"],
        "with_citizen": True,
    }
    path = f"/referrals/{walk.referral_id}"
    await world.ask("POST", f"{path}/assessments", body)
    if any(step.consent for step in walk.programme.steps):
        await world.ask("POST", f"{path}/consent", {"given": True})


def whole(programme: Programme) -> Programme:
    """The programme that the citizen goes on with."""
    return PROGRAMMES[f"p140-{LEVELS[programme.id]}"] if programme.id in LEVELS else programme


def kinds(programme: Programme) -> list[str]:
    return [step.kind.value for step in whole(programme).steps]


def kinds_of(walk: Walk) -> list[str]:
    return [step["kind"] for step in walk.order["steps"]]


def booked(walk: Walk) -> int:
    """How many sessions the citizen is told of at once."""
    return _count(walk.order["steps"]) - UNTOLD.get(walk.programme.id, 0)


async def _held(world: World, walk: Walk) -> None:
    """Every session that scheduling has told of, in its name: the day has not come yet."""
    for session in walk.sessions:
        if session["session_id"] in world.held:
            continue
        world.held.add(session["session_id"])
        value = attended(walk, session)
        kind = "dk.genvej.session.attended.v1"
        await world.send("scheduling", "training", value, key="730", kind=kind)


def _forms(walk: Walk, moment: Moment) -> list[str]:
    programme = PROGRAMMES[walk.order["programme"]]
    return sorted(form.form for form in programme.forms if moment in form.asked)


def _asked(walk: Walk, moment: Moment) -> list[str]:
    asked = walk.said("evaluation.asked")
    return sorted(one["form"] for one in asked if one["moment"] == moment)


@pytest.fixture(scope="module")
def world(stacks: Stacks) -> World:
    stack = stacks(clock=CLOCK, services=("referral", "scheduling"))
    stack.up()
    world = World(stack)
    asyncio.run(walks(world))
    return world


@pytest.fixture(params=sorted(PROGRAMMES))
def walk(world: World, request: pytest.FixtureRequest) -> Walk:
    return world.walks[request.param]


def test_a_programme_is_walked_from_its_referral_to_its_last_step(walk: Walk) -> None:
    programme = walk.programme
    if not programme.ordered_here:
        assert [one["event"] for one in walk.events] == ["dk.genvej.referral.received.v1"]
        return
    (placed,) = walk.said("order.placed")
    assert [step["kind"] for step in placed["steps"]] == [
        step.kind.value for step in programme.opening
    ]
    steps = whole(programme).steps
    assert [(step["kind"], step["count"]) for step in walk.order["steps"]] == [
        (step.kind.value, step.count) for step in steps
    ]
    assert walk.said("order.infeasible") == []
    for said, step in zip(walk.order["steps"], steps, strict=True):
        mine = [one["start"] for one in walk.sessions if one["step_id"] == said["step_id"]]
        days = [datetime.fromisoformat(start).date() for start in mine]
        gaps = [(later - sooner).days for sooner, later in pairwise(days)]
        if step.spacing is not None:
            least = step.spacing.least
            assert all(gap >= least for gap in gaps), (step.id, gaps)
    closed = [one["reason"] for one in walk.said("referral.closed")]
    assert closed == ["completed"]


def test_what_a_programme_asks_before_and_after_is_asked(walk: Walk) -> None:
    if not walk.programme.ordered_here:
        assert walk.said("evaluation.asked") == []
        return
    assert _asked(walk, Moment.BEFORE) == _forms(walk, Moment.BEFORE)
    assert _asked(walk, Moment.AFTER) == _forms(walk, Moment.AFTER)


def test_the_survey_of_19_municipalities_is_reproduced_from_the_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENVEJ_STATE", str(world.stack.state.folder))
    survey = ROOT / "deploy" / "portfolio" / "back-pain-survey.toml"
    genvej = CliRunner()
    stated = genvej.invoke(app, ["portfolio", "state", str(survey)])
    assert stated.exit_code == 0, stated.output

    def figures() -> dict[str, list[int]]:
        said = genvej.invoke(app, ["portfolio", "report", "--json"])
        assert said.exit_code == 0, said.output
        return {one["offer"]: [one[state] for state in State] for one in json.loads(said.output)}

    expected = {"back-team": [1, 11, 1, 6], "back-counselling": [1, 4, 5, 9]}
    assert wait_until(lambda: figures() == expected, seconds=PATIENCE, pause=0.2), figures()
