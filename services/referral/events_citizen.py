"""Who a citizen is: citizen.recorded, in the clear and as it travels."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final, Literal

from pydantic import Field

from services.referral.events import Wire
from shared.envelope import TYPE_PREFIX

CITIZEN_RECORDED: Final = f"{TYPE_PREFIX}citizen.recorded.v1"


class CitizenName(Wire):
    """A citizen's name."""

    given: str
    family: str


class CitizenAddress(Wire):
    """A Danish postal address."""

    street: str
    suburb: str | None
    postcode: str
    district: str


class CitizenRelative(Wire):
    """A relative that a plan named."""

    name: str
    phone: str | None
    relation: str | None
    email: str | None = None
    custody: str | None = Field(
        default=None,
        description="Opaque id of who holds custody of the citizen: told in a child's place",
    )


class CitizenGp(Wire):
    """The citizen's GP, who gets a copy."""

    name: str | None
    ean: str | None


class CitizenRecord(Wire):
    """The clear text of citizen.recorded.v1: who the citizen is and how to reach them (no CPR)."""

    event_type: ClassVar[str] = CITIZEN_RECORDED

    citizen_id: str
    cpr_kind: Literal["cpr", "ecpr"]
    name: CitizenName
    birth_date: date | None
    address: CitizenAddress | None = Field(description="Null where it is protected or unknown")
    protected: bool
    phone: str | None
    email: str | None
    language: str = Field(description="BCP 47")
    deceased: bool
    relatives: tuple[CitizenRelative, ...]
    gp: CitizenGp | None
    version: int = Field(ge=1, description="Grows by one with each change")
    merged_into: str | None = Field(
        default=None,
        description="The citizen that this one turned out to be; all else is blank then",
    )


class SealedRecord(Wire):
    """citizen.recorded.v1 as it travels: AES-256-GCM under the citizen's own wrapped key."""

    event_type: ClassVar[str] = CITIZEN_RECORDED

    kid: str = Field(description="Id of the master key that wraps `key`")
    key: str = Field(description="The citizen's data key, wrapped (base64)")
    nonce: str = Field(description="Base64")
    data: str = Field(description="The record's ciphertext (base64)")
