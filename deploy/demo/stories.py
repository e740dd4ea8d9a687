"""A morning's mixture: ordinary plans, and everything that happens to documents on their way.

Each story makes its documents from fresh drafts and says what must come of each. The elements that
refusals name are those that the referral's reading defines; what it refuses by what it knows
beyond the document (senders, receivers, ids) it names by the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count as counting
from random import Random
from typing import Final

from deploy.demo.broken import XML, broken
from deploy.demo.citizens import TEST_PERSONS, medcom_person
from deploy.demo.drafts import FHIR_TYPE, Document, Draft, document, draft, renamed
from deploy.demo.fhir_plan import fhir_plan
from deploy.demo.senders import Hospital, Municipality
from services.referral.documents import fhir, fhir_people, fhir_request, ggop, ggop_people
from services.referral.plan import Format, PlanType

RUDDI_ID: Final = "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22"
_RUDDI_DEPARTMENT: Final = "227871000016001"
# KL's story has no telephone; one from the range that Ofcom keeps free for fiction.
_RUDDI_PHONE: Final = "+447700900100"
_ELEMENTS: Final = {
    Format.FHIR: {
        "id": "MessageHeader.id",
        "sender": fhir.SENDER_PATH,
        "receiver": fhir.RECEIVER_PATH,
        "type": fhir_request.TYPE_PATH,
        "discharge": fhir_request.DISCHARGE_PATH,
        "cpr": fhir_people.CPR_PATH,
    },
    Format.GGOP: {
        "id": ggop.DOCUMENT_ID_PATH,
        "sender": ggop.SENDER_PATH,
        "receiver": ggop.RECEIVER_PATH,
        "type": ggop.TYPE_PATH,
        "discharge": ggop.DISCHARGE_PATH,
        "cpr": ggop_people.CPR_PATH,
    },
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when the stories play."""

    seed: int
    hospitals: Sequence[Hospital]
    municipalities: Sequence[Municipality]
    day: date
    serials: Iterator[int]

    def draft(self, **changes: object) -> Draft:
        """The next ordinary plan, sent on the day of discharge, with changes."""
        found = draft(self.seed, next(self.serials), self.hospitals, self.municipalities, self.day)
        changes = {
            "type": PlanType.ALMEN,
            "discharge_date": self.day,
            "later_start": None,
            **changes,
        }
        return replace(found, **changes)  # type: ignore[arg-type]

    def renamed(self, of: Draft, **changes: object) -> Draft:
        """The same plan under another id, with changes."""
        return replace(renamed(of, self.seed, next(self.serials)), **changes)  # type: ignore[arg-type]


Story = Callable[[Scene], list[Document]]


def morning(
    seed: int,
    count: int,
    hospitals: Sequence[Hospital],
    municipalities: Sequence[Municipality],
    day: date,
) -> list[Document]:
    """`count` records in the order in which they are published; Ruddi's plan is the first.

    Each story is told twice where `count` allows it, at least once; ordinary plans fill up.
    Raises ValueError where `count` is too small for the stories.
    """
    scene = Scene(seed, hospitals, municipalities, day, counting())
    random = Random(f"genvej/{seed}/morning")  # noqa: S311 (shuffles samples)
    told = [story(scene) for story in STORIES]
    if sum(map(len, told)) * 2 + 1 <= count // 2:
        told += [story(scene) for story in STORIES]
    plain = count - 1 - sum(map(len, told))
    if plain < 0:
        raise ValueError(f"the stories alone take {count - plain} documents, more than {count}")
    told += [
        [document(draft(seed, next(scene.serials), hospitals, municipalities, day))]
        for _ in range(plain)
    ]
    # A story's documents keep their order and stand apart, wherever it begins.
    places: list[tuple[float, int, Document]] = []
    for number, story in enumerate(told):
        start = random.random()
        step = (1 - start) / (len(story) + 1)
        places += [(start + step * n, number, one) for n, one in enumerate(story)]
    places.sort(key=lambda place: place[:2])
    return [_ruddi(hospitals), *(one for _, _, one in places)]


def _ruddi(hospitals: Sequence[Hospital]) -> Document:
    sender = next(
        (
            hospital
            for hospital in hospitals
            if any(sor == _RUDDI_DEPARTMENT for sor, _ in hospital.departments)
        ),
        hospitals[0],
    )
    return Document(
        hospital=sender.sor,
        value=fhir_plan(phone=_RUDDI_PHONE),
        content_type=FHIR_TYPE,
        document_id=RUDDI_ID,
        story="KL's story of Ruddi",
    )


def _duplicate(scene: Scene) -> list[Document]:
    once = document(scene.draft(), "a plan that is sent twice")
    return [once, replace(once, expected="duplicate", story="the same document again")]


def _taken_id(scene: Scene) -> list[Document]:
    first = scene.draft()
    other = scene.draft(
        document_id=first.document_id,
        format=first.format,
        hospital=first.hospital,
        department=first.department,
    )
    return [
        document(first, "a plan whose id is used again"),
        _refused(other, "id", "another document with the same id"),
    ]


def _correction(scene: Scene) -> list[Document]:
    plan = scene.draft()
    later = scene.renamed(
        plan, corrects=plan.document_id, discharge_date=scene.day + timedelta(days=1)
    )
    return [
        document(plan, "a plan that is corrected"),
        document(later, "the discharge date, corrected"),
    ]


def _correction_first(scene: Scene) -> list[Document]:
    plan, correction = _correction(scene)
    return [
        replace(correction, story="a correction before its original"),
        replace(plan, story="the original, after its correction"),
    ]


def _revocation(scene: Scene) -> list[Document]:
    plan = scene.draft()
    back = scene.renamed(plan, corrects=plan.document_id, revoked=True)
    return [document(plan, "a plan sent in error"), document(back, "the same taken back")]


def _replacement(scene: Scene) -> list[Document]:
    plan = scene.draft()
    new = scene.renamed(plan, replaces=plan.document_id)
    return [document(plan, "a plan that is replaced"), document(new, "the plan that replaces it")]


def _second_plan(scene: Scene) -> list[Document]:
    plan = scene.draft()
    new = scene.renamed(plan, diagnosis=("DM751", "Rotator cuff-syndrom"))
    return [
        document(plan, "a plan, and later another"),
        document(new, "a second plan beside the first"),
    ]


def _medcoms_people(scene: Scene) -> list[Document]:
    serial = next(scene.serials)
    random = Random(f"genvej/{scene.seed}/{serial}/person")  # noqa: S311 (draws samples)
    plan = scene.draft()
    number = serial % len(TEST_PERSONS)
    person = medcom_person(random, number, serial, random.choice(plan.municipality.postcodes))
    return [document(replace(plan, citizen=person), "a plan for one of MedCom's test persons")]


def _levels(scene: Scene) -> list[Document]:
    return [
        document(
            scene.draft(type=PlanType.GENOPTRAENING_SPECIALISERET), "a plan at hospital level"
        ),
        document(
            scene.draft(type=PlanType.REHABILITERING_SPECIALISERET), "specialised rehabilitation"
        ),
    ]


def _dates(scene: Scene) -> list[Document]:
    day = scene.day
    return [
        document(scene.draft(discharge_date=day + timedelta(days=1)), "a plan before discharge"),
        document(scene.draft(discharge_date=day - timedelta(days=5)), "a plan five days late"),
        document(scene.draft(discharge_date=day - timedelta(days=10)), "a plan after its limit"),
        document(
            scene.draft(format=Format.FHIR, later_start=day + timedelta(days=14)),
            "a later start for health reasons",
        ),
        document(
            scene.draft(format=Format.GGOP, deadline_text="Start tidligst når skinnen er af"),
            "a deadline in words",
        ),
    ]


def _protected(scene: Scene) -> list[Document]:
    plan = scene.draft(format=Format.FHIR)
    person = replace(plan.citizen, protected=True)
    return [document(replace(plan, citizen=person), "a protected address")]


def _misdirected(scene: Scene) -> list[Document]:
    stranger = ("999999000016001", "En anden afdeling")
    nowhere = Municipality(
        code="999",
        name="Ingen Kommune",
        sor="999999000016009",
        ean="5790009999999",
        postcodes=(("9999", "Ingensted"),),
    )
    plan = scene.draft()
    found = [
        _refused(scene.draft(department=stranger), "sender", "a department not allowed to send"),
        _refused(scene.draft(municipality=nowhere), "receiver", "an unknown municipality"),
    ]
    others = [one for one in scene.hospitals if one.sor != plan.hospital.sor]
    if others:
        text = "a document on another hospital's topic"
        found.append(replace(_refused(plan, "sender", text), hospital=others[0].sor))
    return found


def _wrong_values(scene: Scene) -> list[Document]:
    plan = scene.draft()
    other = replace(plan, citizen=replace(plan.citizen, cpr="3102779995"))
    return [
        _refused(other, "cpr", "a CPR that is none"),
        _refused(scene.draft(type="fysioterapi"), "type", "a type that is none"),
        _refused(scene.draft(discharge_date="2022-02-30"), "discharge", "a date that is none"),
        _refused(scene.draft(discharge_date=None), "discharge", "no discharge date"),
    ]


def _odd_records(scene: Scene) -> list[Document]:
    odd = (("ce_id", None), ("traceparent", b"\xff\xfe\x00"), ("x" * 300, b""))
    return [
        replace(document(scene.draft(), "odd headers"), headers=odd),
        replace(document(scene.draft(), "no content type"), content_type=None),
        replace(document(scene.draft(), "a wrong content type"), content_type="text/plain"),
    ]


def _broken(scene: Scene) -> list[Document]:
    hospital = scene.hospitals[next(scene.serials) % len(scene.hospitals)].sor
    whole = [document(scene.draft(format=form)).value or b"" for form in (Format.FHIR, Format.GGOP)]
    found = [
        Document(
            hospital=hospital,
            value=value,
            content_type=content_type,
            document_id=None,
            expected="refused",
            element="/" if content_type == XML else "Bundle",
            story=story,
        )
        for story, value, content_type in broken(*whole)
    ]
    newer = scene.draft(format=Format.GGOP)
    record = document(newer, "an unknown version", expected="refused", element=ggop.PLAN)
    value = (record.value or b"").replace(b":municipality:1.0.4", b":municipality:9.0.0")
    return [*found, replace(record, value=value)]


def _refused(plan: Draft, element: str, story: str) -> Document:
    return document(plan, story, expected="refused", element=_ELEMENTS[plan.format][element])


STORIES: Final[tuple[Story, ...]] = (
    _duplicate,
    _taken_id,
    _correction,
    _correction_first,
    _revocation,
    _replacement,
    _second_plan,
    _medcoms_people,
    _levels,
    _dates,
    _protected,
    _misdirected,
    _wrong_values,
    _odd_records,
    _broken,
)
