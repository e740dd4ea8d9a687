"""Every refusal and every note names an element of the sender's own format, in Danish."""

from __future__ import annotations

import pytest

from deploy.demo.fhir_plan import fhir_plan
from deploy.demo.ggop_plan import ggop_plan
from services.referral import answers
from services.referral.commands import Field
from services.referral.documents import read
from services.referral.plan import Format, Unreadable
from services.referral.terms import Note


@pytest.mark.parametrize("form", Format)
def test_each_field_has_an_element_in_each_format(form: Format) -> None:
    assert set(answers.ELEMENTS[form]) == set(Field)
    slashes = [path.startswith("/") for path in answers.ELEMENTS[form].values()]
    assert set(slashes) == {form is not Format.FHIR}


WRONG: list[tuple[bytes, Format, Field]] = [
    (fhir_plan(sender_sor=""), Format.FHIR, Field.SENDER),
    (fhir_plan(receiver_sor=None, receiver_ean=None), Format.FHIR, Field.RECEIVER),
    (fhir_plan(type="massage"), Format.FHIR, Field.TYPE),
    (fhir_plan(cpr="1"), Format.FHIR, Field.CITIZEN),
    (fhir_plan(discharge_date=None), Format.FHIR, Field.DISCHARGE),
    (fhir_plan(later_start="snart"), Format.FHIR, Field.LATER_START),
    (ggop_plan(document_id=""), Format.GGOP, Field.DOCUMENT_ID),
    (ggop_plan(sender_sor=None), Format.GGOP, Field.SENDER),
    (ggop_plan(type=None), Format.GGOP, Field.TYPE),
    (ggop_plan(cpr="1"), Format.GGOP, Field.CITIZEN),
    (ggop_plan(discharge_date=None), Format.GGOP, Field.DISCHARGE),
    (ggop_plan(corrects=""), Format.GGOP, Field.CORRECTS),
]


@pytest.mark.parametrize(("document", "form", "field"), WRONG, ids=lambda one: str(one)[:20])
def test_an_element_has_the_same_name_whoever_finds_fault_with_it(
    document: bytes, form: Format, field: Field
) -> None:
    reading = read(document)
    assert isinstance(reading, Unreadable)
    assert answers.ELEMENTS[form][field] in [problem.element for problem in reading.problems]


@pytest.mark.parametrize("note", Note)
def test_each_note_is_information(note: Note) -> None:
    (problem,) = answers.noted(Format.FHIR, [note, note])
    assert (problem.code, problem.severity) == ("informational", "information")
    assert problem.text.endswith(".")


def test_a_record_is_named_where_its_id_is_not() -> None:
    problem = answers.unreadable_id(Format.GGOP, "hospital.1.referrals", 0, 7)
    assert "hospital.1.referrals/0/7" in problem.text
