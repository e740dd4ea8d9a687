"""Synthetic citizens: replacement CPRs for volume, MedCom's public test persons by name.

No CPR here can be anybody's: X-eCPR are numbers for people without one (hl7dk/dk-core,
DkCoreXeCprIdentifier), and the test persons are MedCom's public test data. Telephone numbers are
of the range that Ofcom keeps free for fiction; mail goes to the reserved domain `example`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from services.referral.plan import Address, Relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """Someone whom a plan is written for."""

    cpr: str
    given: str
    family: str
    birth_date: date | None
    address: Address
    phone: str | None
    email: str | None
    language: str | None
    protected: bool
    relatives: tuple[Relative, ...]


# MedCom's test persons, as (CPR, given names, family name).
TEST_PERSONS: Final = (
    ("0201609995", "Einer Test", "Lauridsen"),
    ("0201609996", "Lonni Test", "Lauridsen"),
    ("0504909995", "Magnus Test", "Lauridsen"),
    ("0504909989", "Rasmus Test", "Lauridsen"),
    ("0201919990", "Else Test", "Lauridsen"),
    ("0201919996", "Ellen Louise Test", "Lauridsen"),
)
_GIVEN: Final = (
    *("Alma", "Asger", "Bodil", "Bølle", "Cæcilie", "Dagny", "Ejvind", "Frida", "Gudrun"),
    *("Hjørdis", "Ib", "Jytte", "Kåre", "Liva", "Mogens", "Nanna", "Ove", "Ruth", "Søren"),
)
_FAMILY: Final = ("Eksempel", "Prøve", "Syntese", "Øvelse", "Ærlighed", "Åbning")
_STREETS: Final = ("Prøvevej", "Eksempelgade", "Ægteallé", "Østre Testvej", "Åstræde")
_RELATIONS: Final = ("ægtefælle", "datter", "søn", "nabo")
SERIALS: Final = 2 * 26 * 26 * 10
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def replacement_cpr(birth: date, serial: int) -> str:
    """An X-eCPR; different for each serial below `SERIALS` of one birth date."""
    serial, digit = divmod(serial, 10)
    serial, second = divmod(serial, 26)
    century, first = divmod(serial, 26)
    letters = _LETTERS[first % 26] + _LETTERS[second]
    return f"{birth:%d%m%y}{'17'[century % 2]}{letters}{digit}"


def citizen(random: Random, serial: int, postcode: tuple[str, str]) -> Citizen:
    """A citizen who lives at a postcode (code, district); `serial` keeps the numbers apart."""
    # Serials that would share a number get other birth dates.
    days = 8 * random.randrange(365 * 9) + serial // SERIALS % 8
    birth = date(1932, 1, 1) + timedelta(days=days)
    return _at_home(
        random,
        serial,
        postcode,
        cpr=replacement_cpr(birth, serial % SERIALS),
        given=f"{random.choice(_GIVEN)} Test",
        family=random.choice(_FAMILY),
        birth_date=birth,
    )


def medcom_person(random: Random, number: int, serial: int, postcode: tuple[str, str]) -> Citizen:
    """One of MedCom's test persons, `number` from 0; the home and the telephone are invented."""
    cpr, given, family = TEST_PERSONS[number]
    return _at_home(random, serial, postcode, cpr=cpr, given=given, family=family, birth_date=None)


def _at_home(
    random: Random,
    serial: int,
    postcode: tuple[str, str],
    *,
    cpr: str,
    given: str,
    family: str,
    birth_date: date | None,
) -> Citizen:
    relative = Relative(
        name=f"{random.choice(_GIVEN)} Test {family}",
        phone=f"+447700900{100 + (serial + 450) % 900}",
        relation=random.choice(_RELATIONS),
    )
    return Citizen(
        cpr=cpr,
        given=given,
        family=family,
        birth_date=birth_date,
        address=Address(
            street=f"{random.choice(_STREETS)} {random.randrange(1, 200)}",
            suburb=None,
            postcode=postcode[0],
            district=postcode[1],
        ),
        phone=f"+447700900{100 + serial % 900}" if random.random() < 0.95 else None,
        email=f"borger{serial}@post.example" if random.random() < 0.6 else None,
        language="en" if random.random() < 0.04 else None,
        protected=random.random() < 0.02,
        relatives=(relative,) if random.random() < 0.25 else (),
    )
