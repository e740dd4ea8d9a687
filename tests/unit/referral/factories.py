"""Plans, referrals and an office to decide them in, in the words of the domain."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.referral import assessment_file, configuration, programme_files
from services.referral.carrying_out import Decided
from services.referral.commands import (
    Case,
    CorrectPlan,
    Municipality,
    Residence,
    RevokePlan,
    TakePlan,
)
from services.referral.documents import read_intake, receipt
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import Fact, Noted
from services.referral.handlers_intake import Intake
from services.referral.handlers_training import Clock
from services.referral.identity import referral_id
from services.referral.metrics import Metrics
from services.referral.plan import Format, Person, Plan, PlanType, Purpose
from services.referral.programme_policy import Terms
from services.referral.referral import Referral
from services.referral.register import Register
from services.referral.replying import Office
from services.referral.suppliers import with_suppliers
from services.referral.timers import Timetable
from shared.crypto import Vault
from shared.envelope import TYPE_PREFIX, Message

ROOT = Path(__file__).parents[3]
HOSPITAL = "100000000000316"
DEPARTMENT = "227871000016001"
RANDERS_HOSPITAL = "100000000000730"
RANDERS_DEPARTMENT = "271211000016002"
NOW = datetime(2022, 5, 23, 6, 0, tzinfo=UTC)  # KL's story of Ruddi: 23 May 2022, 08:00 in Denmark
PORTFOLIO = programme_files.load()
POLICY = assessment_file.load()
HOLBAEK = Municipality(
    code="316",
    name="Holbæk Kommune",
    sor="451000016003",
    ean="5790000121526",
    provider="316",
    at_risk_days=3,
)
HOME = Residence(postcode="4300", language="da")


def a_key(name: str) -> str:
    """A key that is the same in every run; nobody's secret."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def a_vault(name: str) -> Vault:
    return Vault(f"k1:{a_key(name)}")


def a_register() -> Register:
    return Register(
        id_key=hashlib.sha256(b"id").digest(),
        cpr_key=hashlib.sha256(b"cpr").digest(),
        records=a_vault("citizens"),
        vault=a_vault("referral"),
    )


def an_office() -> Office:
    """The office as configured in deploy/, with keys of the tests' own."""
    own = configuration.directory(ROOT / "deploy" / "municipalities")
    directory = with_suppliers(own, ROOT / "deploy" / "topics.toml")
    return Office(
        hospitals=configuration.Hospitals(ROOT / "deploy" / "topics.toml"),
        directory=directory,
        portfolio=PORTFOLIO,
        register=a_register(),
        timetable=Timetable(portfolio=PORTFOLIO, municipalities=directory.by_code),
        acknowledge=receipt,
    )


def a_decided() -> Decided:
    office = an_office()
    return Decided(
        directory=office.directory, portfolio=office.portfolio, timetable=office.timetable
    )


def an_intake() -> Intake:
    return Intake(office=an_office(), read=read_intake, metrics=Metrics())


def a_clock() -> Clock:
    office = an_office()
    return Clock(
        directory=office.directory,
        portfolio=PORTFOLIO,
        timetable=office.timetable,
        metrics=Metrics(),
        policy=POLICY,
    )


# -- plans and referrals -------------------------------------------------------------------------


def ruddi() -> Person:
    """A MedCom test person."""
    return Person(
        cpr="1502779995",
        cpr_kind="cpr",
        given="Ruddi Test",
        family="Berggren",
        birth_date=None,
        address=None,
        protected=False,
        phone=None,
        email=None,
        language="da",
    )


def a_plan(**changes: Any) -> Plan:
    """Ruddi's plan: received 23 May 2022, discharge 24 May, almen, to Holbæk."""
    plan = Plan(
        format=Format.FHIR,
        purpose=Purpose.NEW,
        document_id="plan-1",
        sender_sor=DEPARTMENT,
        sender_name="Ortopædkirurgisk afdeling",
        receiver="451000016003",
        receiver_kind="sor",
        municipality="316",
        type=PlanType.ALMEN,
        discharge_date=date(2022, 5, 24),
        later_start=None,
        deadline_text=None,
        authored=date(2022, 5, 23),
        replaces=None,
        corrects=None,
        person=ruddi(),
        relatives=(),
        gp=None,
        diagnoses=(("urn:oid:1.2.208.176.2.4.12", "DS721", "Pertrokantær femurfraktur"),),
        transport=False,
        vulnerable=False,
    )
    return replace(plan, **changes)


def the_terms(plan: Plan) -> Terms:
    return PORTFOLIO.terms(plan.type, plan.discharge_date)


def taking(plan: Plan, *, citizen: str = "RUDDI", municipality: Municipality = HOLBAEK) -> TakePlan:
    return TakePlan(
        plan=plan,
        residence=HOME,
        referral_id=referral_id(HOSPITAL, plan.document_id),
        citizen_id=citizen,
        hospital=HOSPITAL,
        municipality=municipality,
        terms=the_terms(plan),
    )


def correcting(
    plan: Plan, *, citizen: str | None = "RUDDI", municipality: Municipality = HOLBAEK
) -> CorrectPlan:
    plan = replace(plan, purpose=Purpose.CORRECTION)
    return CorrectPlan(
        plan=plan,
        residence=HOME,
        citizen_id=citizen,
        municipality=municipality,
        terms=the_terms(plan),
    )


def revoking(plan: Plan, *, citizen: str | None = "RUDDI") -> RevokePlan:
    return RevokePlan(plan=replace(plan, purpose=Purpose.REVOCATION), citizen_id=citizen)


def facts_of(result: object) -> tuple[Fact, ...]:
    """The facts of a decision that was neither a refusal nor a wait."""
    assert isinstance(result, tuple), result
    return result


def after(referral: Referral | None, facts: Iterable[Fact]) -> Referral:
    """The referral after facts about it; those about others are skipped."""
    for fact in facts:
        if isinstance(fact, Noted):
            continue
        mine = getattr(fact, "referral_id", None)
        if referral is None or mine in (None, referral.referral_id):
            referral = evolve(referral, fact) if referral is not None else fact.referral  # type: ignore[union-attr]
    assert referral is not None
    return referral


def an_accepted_referral(now: datetime = NOW, *, citizen: str = "RUDDI", **plan: Any) -> Referral:
    return after(None, facts_of(decide(Case(), taking(a_plan(**plan), citizen=citizen), now)))


# -- messages ------------------------------------------------------------------------------------


class Mailbag:
    """Makes messages as the broker hands them out: offsets grow per topic."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self._offsets: dict[str, int] = {}

    def document(
        self, value: bytes | None, *, hospital: str = HOSPITAL, content_type: str = ""
    ) -> Message:
        """A record of a hospital's intake topic, as outsiders write it: no CloudEvents headers."""
        topic = f"hospital.{hospital}.referrals"
        offset = self._next(topic)
        return Message(
            topic=topic,
            partition=0,
            offset=offset,
            key=None,
            value=value,
            timestamp=self.now + timedelta(milliseconds=offset),
            id=f"{topic}/0/{offset}",
            source="",
            content_type=content_type,
        )

    def training(self, name: str, value: bytes | None, *, subject: str = "") -> Message:
        """An event of scheduling, such as "session.offered.v1"."""
        offset = self._next("training")
        return Message(
            topic="training",
            partition=0,
            offset=offset,
            key=b"316",
            value=value,
            timestamp=self.now + timedelta(milliseconds=offset),
            id=f"training-{offset}",
            source="/genvej/scheduling",
            type=f"{TYPE_PREFIX}{name}" if name else "",
            subject=subject,
            content_type="application/json",
        )

    def _next(self, topic: str) -> int:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return offset
