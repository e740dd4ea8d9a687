"""A citizen's contact details: what we read of citizens records, and what of it can be used."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Relative(_Model):
    """`custody`: the opaque id of somebody who holds custody of the citizen, a child."""

    name: str = ""
    phone: str | None = None
    email: str | None = None
    custody: str | None = None


class Holder(_Model):
    """Somebody who holds custody of the citizen, a child. `id` is opaque."""

    id: str
    name: str
    email: str | None
    mobile: str | None


class _PersonName(_Model):
    given: str = ""
    family: str = ""


class CitizenRecorded(_Model):
    """The clear text of a citizens record, as far as messages need it.

    The postal address is left out on purpose: what is not read can't be printed.
    """

    citizen_id: str
    name: _PersonName = _PersonName()
    phone: str | None = None
    email: str | None = None
    language: str = "da"
    birth_date: date | None = None
    protected: bool = False
    deceased: bool = False
    relatives: tuple[_Relative, ...] = ()
    merged_into: str | None = None
    version: int


class Contact(_Model):
    """A citizen as we keep them: sealed in the table `contact`.

    `child`: whose custody holder this is, by given name; "" where the citizen is written to.
    `protected`: the child's address is, so no place is named.
    """

    name: str
    email: str | None
    mobile: str | None
    language: str
    deceased: bool
    given: str = ""
    birth_date: date | None = None
    protected: bool = False
    holders: tuple[Holder, ...] = ()
    child: str = ""


_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
# The Danish numbering plan doesn't tell mobile from fixed (numbers are ported between them), so
# every valid number may be one; the gateway's answer tells. Ranges as in libphonenumber's DK.
_DANISH: Final = re.compile(r"(?:[2-7][0-9]|8[126-9]|9[1-46-9])[0-9]{6}")
_FOREIGN: Final = re.compile(r"\+(?!45)[1-9][0-9]{6,14}")


def usable_email(text: str | None) -> str | None:
    """The address where mail can be sent to it, else None (SMTPUTF8 is not assumed)."""
    address = (text or "").strip()
    return address if _EMAIL.fullmatch(address) else None


def usable_mobile(text: str | None) -> str | None:
    """The number in E.164 ("+4520123456") where a text message may reach it, else None."""
    digits = re.sub(r"[\s().\-/]", "", text or "")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    national = digits.removeprefix("+45")
    if _DANISH.fullmatch(national):
        return "+45" + national
    return digits if _FOREIGN.fullmatch(digits) else None


def contact_of(record: CitizenRecorded) -> Contact:
    """What is kept of a citizens record."""
    return Contact(
        name=f"{record.name.given} {record.name.family}".strip(),
        email=usable_email(record.email),
        mobile=usable_mobile(record.phone),
        language=record.language,
        deceased=record.deceased,
        given=record.name.given,
        birth_date=record.birth_date,
        protected=record.protected,
        holders=tuple(
            Holder(
                id=one.custody,
                name=one.name,
                email=usable_email(one.email),
                mobile=usable_mobile(one.phone),
            )
            for one in record.relatives
            if one.custody
        ),
    )
