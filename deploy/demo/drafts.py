"""Valid plans by the thousand, drawn from a seed, and the records that carry them.

Plan number n of a seed is the same in every run and whatever stands around it. Shares and lags are
those that the Danish figures give (sundhedsdatastyrelsen.dk, 2018: 82 % of plans within a day of
the contact's end; 183,312 persons in 2019 by type).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from deploy.demo.citizens import Citizen, citizen
from deploy.demo.fhir_plan import fhir_plan
from deploy.demo.ggop_plan import ggop_plan
from deploy.demo.senders import Hospital, Municipality
from services.referral.plan import Format, GeneralPractitioner, PlanType

T = TypeVar("T")

FHIR_TYPE: Final = "application/fhir+json"
GGOP_TYPE: Final = "application/xml"

_COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
# Days from discharge to the day of sending, and how many plans of a hundred have them.
_LAGS: Final = ((-2, 5), (0, 57), (1, 20), (2, 6), (3, 5), (5, 3), (8, 4))
_TYPES: Final = (
    (PlanType.ALMEN, 160_301),
    (PlanType.REHABILITERING_SPECIALISERET, 575),
    (PlanType.GENOPTRAENING_SPECIALISERET, 22_436),
)
# What brings people to training, as SKS code and name.
_DIAGNOSES: Final = (
    ("DS721", "Pertrokantær femurfraktur"),
    ("DM171", "Primær knæartrose, enkeltsidig"),
    ("DM161", "Primær hofteartrose, enkeltsidig"),
    ("DI639", "Hjerneinfarkt UNS"),
    ("DS525", "Fraktur i distale ende af radius"),
    ("DM511", "Lumbal diskusprolaps med radikulopati"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A record for a hospital's intake topic, and what must come of it.

    `hospital`: whose topic, by SOR. `value` and `content_type` None: no value, no header.
    `headers`: further ones, some of them odd. `document_id`: None where nobody can read one.
    `expected`: "accepted", "refused", "duplicate" or "dead-letter"; `element`: what a refusal's
    receipt names first. `story`: what it is, in a few words.
    """

    hospital: str
    value: bytes | None
    content_type: str | None
    document_id: str | None
    expected: str = "accepted"
    element: str | None = None
    story: str = "a plan"
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan before it is written: change what you want with `dataclasses.replace`.

    `later_start` and `vulnerable`, `transport` are lost in GGOP, which has no element for them.
    """

    format: Format
    document_id: str
    hospital: Hospital
    department: tuple[str, str]
    municipality: Municipality
    type: PlanType | str
    citizen: Citizen
    discharge_date: date | str | None
    later_start: date | None
    sent_at: datetime
    gp: GeneralPractitioner | None
    diagnosis: tuple[str, str]
    transport: bool
    vulnerable: bool
    deadline_text: str | None = None
    replaces: str | None = None
    corrects: str | None = None
    revoked: bool = False


def drafts(
    seed: int,
    count: int,
    hospitals: Sequence[Hospital],
    municipalities: Sequence[Municipality],
    day: date,
    *,
    first: int = 0,
) -> Iterator[Draft]:
    """Plans number `first` and on that hospitals send on `day`, each for another citizen.

    A hospital sends mostly to the municipality that stands where it stands itself.
    """
    for serial in range(first, first + count):
        yield draft(seed, serial, hospitals, municipalities, day)


def draft(
    seed: int,
    serial: int,
    hospitals: Sequence[Hospital],
    municipalities: Sequence[Municipality],
    day: date,
) -> Draft:
    """Plan number `serial` of a seed."""
    random = Random(f"genvej/{seed}/{serial}")  # noqa: S311 (draws samples, keeps no secret)
    [number] = random.choices(range(len(municipalities)), [one.weight for one in municipalities])
    municipality = municipalities[number]
    near = random.random() < 0.85
    hospital = hospitals[number % len(hospitals)] if near else random.choice(hospitals)
    form = random.choice((Format.FHIR, Format.GGOP))
    discharged = day - timedelta(days=_drawn(random, _LAGS))
    later = random.random() < 0.05
    minutes = random.randrange(120)
    practice = f"Lægehuset {municipality.postcodes[0][1]}"
    return Draft(
        format=form,
        document_id=_document_id(random, form, serial),
        hospital=hospital,
        department=random.choice(hospital.departments),
        municipality=municipality,
        type=_drawn(random, _TYPES),
        citizen=citizen(random, serial, random.choice(municipality.postcodes)),
        discharge_date=discharged,
        later_start=discharged + timedelta(days=14) if later else None,
        sent_at=datetime.combine(day, time(6), _COPENHAGEN) + timedelta(minutes=minutes),
        gp=GeneralPractitioner(name=practice, ean=f"57900{number:08d}")
        if random.random() < 0.85
        else None,
        diagnosis=random.choice(_DIAGNOSES),
        transport=random.random() < 0.15,
        vulnerable=random.random() < 0.2,
    )


def write(draft: Draft) -> bytes:
    """The document."""
    person, to = draft.citizen, draft.municipality
    if draft.format is Format.FHIR:
        return fhir_plan(
            document_id=draft.document_id,
            sender_sor=draft.department[0],
            sender_name=f"{draft.department[1]}, {draft.hospital.name}",
            sender_ean=draft.hospital.ean,
            receiver_sor=to.sor,
            receiver_ean=to.ean,
            receiver_name=to.name,
            type=draft.type,
            discharge_date=draft.discharge_date,
            later_start=draft.later_start,
            authored=draft.sent_at.date(),
            sent_at=draft.sent_at.astimezone(UTC),
            replaces=draft.replaces,
            corrects=draft.corrects,
            revoked=draft.revoked,
            cpr=person.cpr,
            given=person.given,
            family=person.family,
            birth_date=person.birth_date,
            address=person.address,
            protected=person.protected,
            phone=person.phone,
            email=person.email,
            language=person.language,
            relatives=person.relatives,
            gp=draft.gp,
            diagnoses=(draft.diagnosis,),
            transport=draft.transport,
            vulnerable=draft.vulnerable,
        )
    return ggop_plan(
        document_id=draft.document_id,
        sender_sor=draft.department[0],
        sender_name=draft.department[1],
        sender_ean=draft.hospital.ean,
        receiver_ean=to.ean,
        receiver_name=to.name,
        municipality=to.code,
        type=draft.type,
        discharge_date=draft.discharge_date,
        contact_start=None,
        deadline_text=draft.deadline_text,
        authored=draft.sent_at.date(),
        sent_at=draft.sent_at,
        replaces=draft.replaces,
        corrects=draft.corrects,
        revoked=draft.revoked,
        cpr=person.cpr,
        given=person.given,
        family=person.family,
        address=person.address,
        phone=person.phone,
        relatives=person.relatives,
        gp=draft.gp,
        diagnoses=(draft.diagnosis,),
        encoding="ISO-8859-1" if draft.document_id[-1] in "02468" else "UTF-8",
    )


def content_type_of(draft: Draft) -> str:
    """The content type that goes with the draft's format."""
    return FHIR_TYPE if draft.format is Format.FHIR else GGOP_TYPE


def document(
    draft: Draft,
    story: str = "a plan",
    *,
    expected: str = "accepted",
    element: str | None = None,
    hospital: str | None = None,
) -> Document:
    """The written draft as a record; the other arguments as in `Document`."""
    return Document(
        hospital=hospital or draft.hospital.sor,
        value=write(draft),
        content_type=content_type_of(draft),
        document_id=draft.document_id,
        expected=expected,
        element=element,
        story=story,
    )


def renamed(draft: Draft, seed: int, serial: int) -> Draft:
    """The same plan under another document id."""
    random = Random(f"genvej/{seed}/{serial}/renamed")  # noqa: S311 (draws samples)
    return replace(draft, document_id=_document_id(random, draft.format, serial))


def _document_id(random: Random, form: Format, serial: int) -> str:
    if form is Format.FHIR:
        return str(UUID(int=random.getrandbits(128), version=4))
    return f"G{random.randrange(1_000_000):06d}{serial % 10_000_000:07d}"


def _drawn(random: Random, weighted: Sequence[tuple[T, int]]) -> T:
    [found] = random.choices([one for one, _ in weighted], [weight for _, weight in weighted])
    return found
