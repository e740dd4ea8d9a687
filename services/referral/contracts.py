"""Writes this service's contracts: `python -m services.referral.contracts [FOLDER]`.

For each event type a JSON schema made from the wire model, and an example that readers prove
themselves on: KL's story of Ruddi (hl7dk/kl-gateway-rehab, input/pagecontent/example.md), decided
by the same code as any plan. A released schema never changes; a new version is a new type.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from services.referral import contracts_choice, contracts_dialogue, programme_files
from services.referral.catalogue import EXAMPLES, PRODUCED
from services.referral.clock import decide_clock
from services.referral.commands import (
    Case,
    CorrectPlan,
    CountOffer,
    FaceInfeasible,
    Municipality,
    PassLimit,
    Residence,
    RevokePlan,
    TakePlan,
    WarnOfLimit,
)
from services.referral.contacts import told_by
from services.referral.documents import receipt
from services.referral.domain import decide
from services.referral.events import ACKNOWLEDGED, COMMUNICATION_SENT
from services.referral.events_citizen import CitizenRecord
from services.referral.evolving import evolve
from services.referral.facts import Fact, GpTold, HospitalTold, Noted, Paused, Received, Resumed
from services.referral.identity import citizen_id, receipt_id, referral_id
from services.referral.order import Offer
from services.referral.outgoing import event_of
from services.referral.plan import (
    Address,
    Format,
    GeneralPractitioner,
    Person,
    Plan,
    PlanType,
    Purpose,
    Relative,
)
from services.referral.referral import Referral
from services.referral.signature import Signature
from services.referral.terms import Told, WorkReason
from services.referral.worklist import decide_work
from services.referral.worklist_effects import DecideWork, WorkCase
from shared import contract_files
from shared.crypto import Unreadable, Vault, keyed_hash, new_data_key, open_record, seal_record
from shared.envelope import TYPE_PREFIX

CLEAR: Final = "citizen.recorded.v1.clear"
SEALED: Final = "citizen.recorded.v1"
EXAMPLE_KEY: Final = hashlib.sha256(b"an example, and nobody's secret").digest()
EXAMPLE_VAULT: Final = f"example:{base64.b64encode(EXAMPLE_KEY).decode()}"

_HOSPITAL: Final = "100000000000316"
_PERFORMER: Final = "1037801000016003"
_RECEIVED: Final = datetime(2022, 5, 23, 6, 0, tzinfo=UTC)
_HOLBAEK: Final = Municipality(
    code="316",
    name="Holbæk Kommune",
    sor="451000016003",
    ean="5790000121526",
    provider="316",
    at_risk_days=3,
)
_RUDDI: Final = Plan(
    format=Format.FHIR,
    purpose=Purpose.NEW,
    document_id="152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22",
    sender_sor="227871000016001",
    sender_name="Ortopædkirurgisk afdeling",
    receiver="451000016003",
    receiver_kind="sor",
    municipality=None,
    type=PlanType.ALMEN,
    discharge_date=date(2022, 5, 24),
    later_start=None,
    deadline_text=None,
    authored=date(2022, 5, 23),
    replaces=None,
    corrects=None,
    person=Person(
        cpr="1502779995",
        cpr_kind="cpr",
        given="Ruddi Test",
        family="Berggren",
        birth_date=date(1977, 2, 15),
        address=Address(street="Testgade 1", suburb=None, postcode="4300", district="Holbæk"),
        protected=False,
        phone="+447700900101",
        email="ruddi@post.example",
        language="da",
    ),
    relatives=(Relative(name="Lonni Test Lauridsen", phone="+447700900102", relation="nabo"),),
    gp=GeneralPractitioner(name="Lægerne Testgade", ean="5790000123456"),
    diagnoses=(("urn:oid:1.2.208.176.2.4.12", "DS721", "Pertrokantær femurfraktur"),),
    transport=False,
    vulnerable=False,
)
_WAIT: Final = DecideWork(
    reason=WorkReason.NO_CAPACITY_KNOWN,
    about="",
    choice="wait",
    by=Signature(id="316-desk", role="desk", unit="Visitationen, Holbæk"),
)
_PORTFOLIO: Final = programme_files.load()
_HOME: Final = Residence(postcode="4300", language="da")


def _changed(plan: Plan, **changes: Any) -> Plan:
    fields = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}
    return Plan(**{**fields, **changes})


def _story() -> Iterator[tuple[Fact, Referral]]:
    """Facts of Ruddi's story and of what else may befall a plan; the first of a kind counts."""
    terms = _PORTFOLIO.terms(_RUDDI.type, _RUDDI.discharge_date)
    citizen = citizen_id(keyed_hash(EXAMPLE_KEY, _HOSPITAL, _RUDDI.document_id))
    take = TakePlan(
        plan=_RUDDI,
        residence=_HOME,
        referral_id=referral_id(_HOSPITAL, _RUDDI.document_id),
        citizen_id=citizen,
        hospital=_HOSPITAL,
        municipality=_HOLBAEK,
        terms=terms,
    )
    referral: Referral | None = None

    def happens(facts: object) -> Iterator[tuple[Fact, Referral]]:
        nonlocal referral
        assert isinstance(facts, tuple), facts
        for fact in facts:
            if isinstance(fact, Noted):
                continue
            referral = (
                fact.referral
                if isinstance(fact, Received)
                else evolve(referral, fact)
                if referral is not None
                else None
            )
            assert referral is not None
            yield fact, referral

    yield from happens(decide(Case(), take, _RECEIVED))
    assert referral is not None
    waiting = referral
    limit = waiting.limit
    assert limit is not None
    case = Case(target=waiting)
    place = ("H1", "Genoptræningscenteret", "Testvej 2", "4300")
    offer = Offer(
        session_id="0d6f2f3c-6a54-5c0e-9d0c-0a5b2b8f2f1e",
        revision=1,
        start=datetime(2022, 5, 28, 7, 0, tzinfo=UTC),
        location=place,
    )
    yield from happens(decide_clock(case, CountOffer(offer=offer), _RECEIVED))
    told = HospitalTold(
        referral_id=waiting.referral_id, state=Told.OFFERED, at=_RECEIVED, offer=offer
    )
    yield from happens((GpTold(referral_id=waiting.referral_id, told=told),))
    for command in (
        WarnOfLimit(limit=limit),
        FaceInfeasible(cause="no-capacity-inside-limit", capacity_known=True),
        PassLimit(limit=limit),
    ):
        referral = waiting
        yield from happens(decide_clock(case, command, _RECEIVED))
    for happening in (
        Paused(referral_id=waiting.referral_id, at=datetime(2022, 5, 26, 8, 0, tzinfo=UTC)),
        Resumed(
            referral_id=waiting.referral_id,
            clock_from=date(2022, 5, 30),
            limit=date(2022, 6, 6),
            earliest=date(2022, 5, 31),
            at=datetime(2022, 5, 30, 12, 0, tzinfo=UTC),
        ),
    ):
        yield from happens((happening,))
    referral = waiting
    unknown = FaceInfeasible(cause="no-capacity-known", capacity_known=False)
    yield from happens(decide_clock(case, unknown, _RECEIVED))
    looked = WorkCase(referral=referral, order=None, others={}, rule=terms.law.limit)
    yield from happens(decide_work(looked, _WAIT, _RECEIVED + timedelta(hours=2)))
    referral = waiting
    later = _changed(
        _RUDDI,
        purpose=Purpose.CORRECTION,
        corrects=_RUDDI.document_id,
        document_id="correction",
        discharge_date=date(2022, 5, 25),
    )
    correct = CorrectPlan(
        plan=later, residence=_HOME, citizen_id=citizen, municipality=_HOLBAEK, terms=terms
    )
    yield from happens(decide(case, correct, datetime(2022, 5, 24, 6, 0, tzinfo=UTC)))
    assert referral is not None
    back = _changed(later, purpose=Purpose.REVOCATION, document_id="revocation")
    revoke = RevokePlan(plan=back, citizen_id=citizen)
    end = datetime(2022, 5, 24, 7, 0, tzinfo=UTC)
    yield from happens(decide(Case(target=referral), revoke, end))


def examples() -> dict[str, bytes]:
    """An example of each event by its name without prefix; of citizens the clear text."""
    found: dict[str, bytes] = {}
    for fact, referral in _story():
        event = event_of(fact, referral, _PORTFOLIO, _PERFORMER)
        if event is not None and event.value is not None:
            found.setdefault(event.type.removeprefix(TYPE_PREFIX), event.value)
    found |= contracts_choice.examples()
    for one in EXAMPLES:
        kind: str = one.event_type  # type: ignore[attr-defined]
        found[kind.removeprefix(TYPE_PREFIX)] = one.model_dump_json().encode()
    citizen = citizen_id(keyed_hash(EXAMPLE_KEY, _HOSPITAL, _RUDDI.document_id))
    record = told_by(
        _RUDDI, citizen, None, lambda *who: citizen_id(keyed_hash(EXAMPLE_KEY, "custody", *who))
    )
    found[CLEAR] = record.model_dump_json().encode()
    ok, _ = receipt(
        Format.FHIR,
        "ok",
        document_id=_RUDDI.document_id,
        sender_sor=_RUDDI.sender_sor,
        receiver=(_HOLBAEK.sor, _HOLBAEK.name),
        problems=(),
        at=_RECEIVED,
        receipt_id=receipt_id(_HOSPITAL, _RUDDI.document_id, b"", "ok"),
    )
    found[ACKNOWLEDGED.removeprefix(TYPE_PREFIX)] = ok
    found[COMMUNICATION_SENT.removeprefix(TYPE_PREFIX)] = contracts_dialogue.example()
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of each event by its name without prefix."""
    models: dict[str, type[BaseModel]] = {CLEAR: CitizenRecord}
    for types in PRODUCED.values():
        models |= types
    acknowledged = contract_files.schema(ACKNOWLEDGED, _receipt_schema())
    sent = contract_files.schema(COMMUNICATION_SENT, contracts_dialogue.schema())
    return contract_files.schemas(models) | {
        ACKNOWLEDGED.removeprefix(TYPE_PREFIX): acknowledged,
        COMMUNICATION_SENT.removeprefix(TYPE_PREFIX): sent,
    }


def _receipt_schema() -> dict[str, Any]:
    """The FHIR form; to a sender of XML the receipt is an XCTL document instead."""
    code = {"enum": ["ok", "fatal-error", "transient-error"]}
    response = {
        "type": "object",
        "properties": {"identifier": {"type": "string"}, "code": code},
        "required": ["identifier", "code"],
    }
    header = {
        "type": "object",
        "properties": {"resourceType": {"const": "MessageHeader"}, "response": response},
        "required": ["resourceType", "response"],
    }
    entry = {"type": "object", "properties": {"resource": header}, "required": ["resource"]}
    return {
        "description": "MedCom's Acknowledgement (content type application/fhir+json); to a "
        "sender of XML the receipt is XCTL03 or XCTL02 (application/xml) instead.",
        "type": "object",
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "message"},
            "entry": {"type": "array", "prefixItems": [entry], "minItems": 1},
        },
        "required": ["resourceType", "type", "entry"],
    }


def sealed(folder: Path, clear: bytes) -> bytes:
    """The example record under the example key; the one that lies there, where it still holds."""
    context = orjson.loads(clear)["citizen_id"]
    vault = Vault(EXAMPLE_VAULT)
    try:
        known = (folder / f"{SEALED}.example.json").read_bytes()
        if open_record(vault, known, context) == clear:
            return known
    except (OSError, Unreadable):
        pass
    return seal_record(vault, new_data_key(), clear, context)


def files() -> dict[str, bytes]:
    """All files by name, as they should lie in the folder."""
    found = examples()
    return contract_files.files(
        schemas(), found | {SEALED: sealed(contract_files.FOLDER, found[CLEAR])}
    )


if __name__ == "__main__":
    contract_files.write(files)
