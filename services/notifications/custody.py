"""Whom messages about a child go to: each custody holder, and not the child.

Letters about under-15s go to both custody holders; from 15 on the citizen is told. Each is told on
their own contact. Nobody guesses who holds custody: where no document and no member of staff has
said so, the message fails, and a human calls.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from services.notifications.contact_details import Contact
from services.notifications.dispatch import Drop, GiveUp
from services.notifications.message import (
    CITIZEN,
    NO_HOLDER,
    NOBODY,
    Facts,
    Place,
    Reach,
    Slot,
)

AGE: Final = 15
"""Years from which the citizen is told."""

_PREFIX: Final = "custody-holder:"


def kept(contact: Contact, today: date) -> Contact:
    """What is kept of a contact: an adult's birthday and relatives are not. The age only grows."""
    return contact if is_child(contact, today) else bare(contact)


def bare(contact: Contact) -> Contact:
    """The contact of somebody who is told self."""
    return contact.model_copy(
        update={"given": "", "birth_date": None, "protected": False, "holders": ()}
    )


def is_child(contact: Contact, today: date) -> bool:
    """Whether the custody holders are told. Who has any, and no known age, is taken for a child."""
    born = contact.birth_date
    if born is None:
        return bool(contact.holders)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return age < AGE


def reach_of(contact: Contact, today: date) -> Reach:
    """How the citizen, or each custody holder, is reached."""
    reach = Reach(
        email=contact.email is not None,
        mobile=contact.mobile is not None,
        deceased=contact.deceased,
    )
    if not is_child(contact, today):
        return reach
    holders = {
        f"{_PREFIX}{one.id}": replace(
            NOBODY, email=one.email is not None, mobile=one.mobile is not None
        )
        for one in contact.holders
    }
    return replace(reach, email=False, mobile=False, holders=holders)


def addressee(contact: Contact, recipient: str) -> Contact | None:
    """The contact that a message goes to; None where the recipient holds no custody any more."""
    if recipient == CITIZEN:
        return contact
    for one in contact.holders:
        if f"{_PREFIX}{one.id}" == recipient:
            told = {"name": one.name, "email": one.email, "mobile": one.mobile}
            return contact.model_copy(update={**told, "child": contact.given or contact.name})
    return None


def reached(contact: Contact | None, reach: Reach) -> Reach:
    """The channels of a custody holder's contact; both where it can't be read now, but may be
    later."""
    if contact is None:
        return replace(reach, email=True, mobile=True)
    return replace(reach, email=contact.email is not None, mobile=contact.mobile is not None)


def lacking(recipient: str) -> Drop | GiveUp:
    """What follows where nobody is there to be told."""
    return GiveUp("custody-unknown") if recipient == NO_HOLDER else Drop("no-custody")


def withheld(facts: Facts, instead: str) -> Facts:
    """The facts without any place, for a child whose address is protected.

    Where a child trains tells where it lives, and not every custody holder may know that.
    """

    def bare(slot: Slot | None) -> Slot | None:
        return None if slot is None else replace(slot, place=Place(name=instead))

    return replace(
        facts,
        slot=bare(facts.slot),
        previous=bare(facts.previous),
        alternatives=(),
        at_home=False,
    )
