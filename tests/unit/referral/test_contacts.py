"""The citizen's record: the newest plan is right, and its silence takes nothing away."""

from __future__ import annotations

from dataclasses import replace
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


def told(
    known: CitizenRecord | None = None, *, relatives: Any = (), **person: Any
) -> CitizenRecord:
    plan = a_plan(person=replace(ruddi(), **person), relatives=relatives)
    return told_by(plan, "RUDDI", known)


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
    with_gp = told_by(a_plan(gp=gp), "RUDDI", None)
    assert with_gp.gp is not None
    assert told_by(a_plan(gp=None), "RUDDI", with_gp).gp is None


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
