"""What may be asked of a referral, and the answers that are not facts. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from services.referral.order import Offer, Order
from services.referral.plan import Plan
from services.referral.portfolio.register import Route
from services.referral.programme_policy import Terms
from services.referral.referral import Referral
from services.referral.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    """A receiver of plans. `provider` plans for its citizens; `at_risk_days` is its own setting.

    `runs_for_region`: ids of programmes that it gives by agreement where the region is responsible.
    """

    code: str
    name: str
    sor: str
    ean: str
    provider: str
    at_risk_days: int
    phone: str = ""
    runs_for_region: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """What planning may know of where a citizen lives and speaks.

    `postcode` is empty where the address is protected or unknown; `language` is a BCP 47 tag.
    """

    postcode: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePlan:
    """Takes a new plan for a citizen. `route`: where the order goes; None: to its provider."""

    plan: Plan
    residence: Residence
    referral_id: str
    citizen_id: str
    hospital: str
    municipality: Municipality
    terms: Terms
    route: Route | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectPlan:
    """Takes a correction of dates. `citizen_id` is None where the person isn't known here."""

    plan: Plan
    residence: Residence
    citizen_id: str | None
    municipality: Municipality
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePlan:
    """Takes a plan or referral back. `citizen_id` None: the person isn't known here."""

    plan: Plan | Request
    citizen_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOffer:
    """A session was offered, or moved. `known`: time and place are those that were told before.

    `step_id` is the step of the order that it is of, where scheduling says it.
    """

    offer: Offer
    known: bool = False
    step_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOffer:
    """An offered session was cancelled. `by_withdrawal`: its order was withdrawn, or rests."""

    offer: Offer
    by_withdrawal: bool
    step_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceInfeasible:
    """The provider can't hold the limit. `capacity_known` False: nobody has said what there is."""

    cause: str
    capacity_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnOfLimit:
    """The warning time of this limit has come."""

    limit: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PassLimit:
    """This limit has passed."""

    limit: date


DocumentCommand: TypeAlias = TakePlan | CorrectPlan | RevokePlan
ClockCommand: TypeAlias = CountOffer | DropOffer | FaceInfeasible | WarnOfLimit | PassLimit
Command: TypeAlias = DocumentCommand | ClockCommand


class Field(StrEnum):
    """The part of a document that a refusal is about; `answers` knows it by path in each format."""

    DOCUMENT = "document"
    DOCUMENT_ID = "document-id"
    SENDER = "sender"
    MESSAGE_SENDER = "message-sender"
    ATTACHMENT = "attachment"
    RECEIVER = "receiver"
    TYPE = "type"
    CITIZEN = "citizen"
    DISCHARGE = "discharge"
    LATER_START = "later-start"
    DEADLINE_TEXT = "deadline-text"
    REPLACES = "replaces"
    CORRECTS = "corrects"
    BASIS = "basis"
    PROGRAMME = "programme"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The document can't be accepted. `code`: OperationOutcome issue type; `text` is Danish."""

    field: Field
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be said before the document with this id has come."""

    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a decision rests on.

    `target`: the referral that the command is about, or that a new plan replaces.
    `refused`: the document that a correction names came and was refused.
    `others`: all open referrals of the citizen. `successor`: a referral that has already replaced
    the new plan (it came first). `order`: the target's order as it reads now.
    """

    target: Referral | None = None
    refused: bool = False
    others: tuple[Referral, ...] = ()
    successor: Referral | None = None
    order: Order | None = None
