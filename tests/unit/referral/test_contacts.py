"""The citizen's record: the newest plan is right, and its silence takes nothing away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from services.referral.contacts import residence_of, told_by
from services.referral.desk import Desk
from services.referral.events_citizen import CitizenRecord
from services.referral.plan import Address, GeneralPractitioner, Relative
from services.referral.register import Register
from shared.crypto import Vault, open_record
from tests.unit.referral.factories import a_key, a_plan, a_register, a_vault, ruddi

HOME = Address(street="Testgade 1", suburb=None, postcode="4300", district="Holbæk")
NEW_HOME = Address(street="Testgade 2", suburb="Tølløse", postcode="4340", district="Tølløse")
LONNI = Relative(name="Lonni Test Lauridsen", phone="+447700900102", relation="nabo")


def holder_id(citizen_id: str, name: str) -> str:
    return f"{citizen_id}/{name}"


def told(
    known: CitizenRecord | None = None, *, relatives: Any = (), **person: Any
) -> CitizenRecord:
    plan = a_plan(person=replace(ruddi(), **person), relatives=relatives)
    return told_by(plan, "RUDDI", known, holder_id)


def test_a_plan_that_says_nothing_new_leaves_the_record_as_it_is() -> None:
    known = told(phone="+447700900101", address=HOME)
    assert told(known, phone="+447700900101", address=HOME) is known


def test_each_change_makes_a_new_version() -> None:
    first = told(phone="+447700900101")
    second = told(first, phone="+447700900103")
    third = told(second, phone="+447700900101")
    assert [one.version for one in (first, second, third)] == [1, 2, 3]
    assert third.phone == "+447700900101"


def test_what_a_plan_does_not_say_stays() -> None:
    known = told(
        phone="+447700900101",
        email="r@post.example",
        address=HOME,
        language="en",
        relatives=(LONNI,),
    )
    assert told(known) is known


MOTHER = Relative(
    name="Lonni Test Lauridsen",
    phone="+447700900102",
    relation="mor",
    custody=True,
    email="lonni@post.example",
)
FATHER = replace(MOTHER, name="Einer Test Lauridsen", phone="+447700900103", relation="far")


def holders(record: CitizenRecord) -> list[str | None]:
    return [one.custody for one in record.relatives]


def test_who_holds_custody_has_an_id_that_the_next_plan_gives_again() -> None:
    known = told(relatives=(MOTHER, FATHER))
    assert holders(known) == ["RUDDI/Lonni Test Lauridsen", "RUDDI/Einer Test Lauridsen"]
    assert known.relatives[0].email == "lonni@post.example"
    moved = told(known, relatives=(FATHER, replace(MOTHER, phone="+447700900104")))
    assert set(holders(moved)) == set(holders(known))


def test_a_plan_that_does_not_say_who_holds_custody_takes_it_from_nobody() -> None:
    known = told(relatives=(MOTHER, FATHER))
    later = told(known, relatives=(LONNI, replace(LONNI, name="Else Test Lauridsen")))
    assert [one.name for one in later.relatives] == [
        "Lonni Test Lauridsen",
        "Einer Test Lauridsen",
        "Else Test Lauridsen",
    ]
    assert holders(later) == [*holders(known), None]


def test_who_no_longer_holds_custody_by_the_newest_plan_that_says_it_does_not() -> None:
    known = told(relatives=(MOTHER, FATHER))
    alone = told(known, relatives=(MOTHER, replace(FATHER, custody=False)))
    assert holders(alone) == ["RUDDI/Lonni Test Lauridsen", None]


def test_a_guardian_holds_custody_and_a_mother_alone_may_not() -> None:
    guardian, mother = replace(LONNI, relation="værge"), replace(MOTHER, custody=False)
    assert holders(told(relatives=(guardian, mother))) == ["RUDDI/Lonni Test Lauridsen", None]


def test_the_day_of_birth_follows_from_the_number_where_the_plan_does_not_say_it() -> None:
    assert told(birth_date=None).birth_date == date(1977, 2, 15)


def test_a_new_address_replaces_the_old_one() -> None:
    moved = told(told(address=HOME), address=NEW_HOME)
    assert moved.address is not None
    assert moved.address.suburb == "Tølløse"
    assert residence_of(moved).postcode == "4340"


def test_a_protected_address_is_forgotten_and_stays_protected() -> None:
    protected = told(told(address=HOME), protected=True)
    assert (protected.protected, protected.address) == (True, None)
    later = told(protected, address=NEW_HOME)
    assert (later.protected, later.address) == (True, None)
    assert residence_of(later).postcode == ""


def test_a_deselected_gp_is_taken_out() -> None:
    gp = GeneralPractitioner(name="Lægerne", ean="5790000123456")
    with_gp = told_by(a_plan(gp=gp), "RUDDI", None, holder_id)
    assert with_gp.gp is not None
    assert told_by(a_plan(gp=None), "RUDDI", with_gp, holder_id).gp is None


def test_a_record_opens_after_the_master_key_was_rotated() -> None:
    before = a_register()
    desk, person = Desk(), ruddi()
    cpr_hash = before.hash_of(person)
    before.keep(desk, person, cpr_hash, told(), "record")

    both = f"k2:{a_key('new')},k1:{a_key('citizens')}"
    after = Register(
        id_key=before.id_key, cpr_key=before.cpr_key, records=Vault(both), vault=a_vault("referral")
    )
    known = after.look(desk, cpr_hash, "record")
    assert known == told()
    event = after.keep(desk, person, cpr_hash, told(known, phone="+447700900101"), "record")
    only_new = Vault(f"k2:{a_key('new')}")
    plain = open_record(only_new, event.value or b"", "RUDDI")
    assert CitizenRecord.model_validate_json(plain).phone == "+447700900101"
