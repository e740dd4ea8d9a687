"""The words that a programme's file is written in. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Basis(StrEnum):
    """On what ground a citizen comes."""

    HOSPITAL = "hospital"
    GP = "gp"
    MUNICIPALITY = "municipality"
    SELF = "self"
    RELATIVE = "relative"


class Referrer(StrEnum):
    """Who may refer: finer than the ground."""

    HOSPITAL = "hospital"
    GP = "gp"
    REFERRAL_DESK = "referral-desk"
    THERAPIST = "therapist"
    BACK_TEAM = "back-team"
    JOB_CENTRE = "job-centre"
    CITIZEN = "citizen"
    RELATIVE = "relative"


REFERRERS: Final[Mapping[Basis, frozenset[Referrer]]] = {
    Basis.HOSPITAL: frozenset({Referrer.HOSPITAL}),
    Basis.GP: frozenset({Referrer.GP}),
    Basis.MUNICIPALITY: frozenset(
        {Referrer.REFERRAL_DESK, Referrer.THERAPIST, Referrer.BACK_TEAM, Referrer.JOB_CENTRE}
    ),
    Basis.SELF: frozenset({Referrer.CITIZEN}),
    Basis.RELATIVE: frozenset({Referrer.RELATIVE}),
}


class Level(StrEnum):
    """The level that the municipality adds to type almen (KL's § 140 codes); none at receipt."""

    UNDECIDED = "undecided"
    BASAL = "basal"
    AVANCERET = "avanceret"


class Authority(StrEnum):
    """Who is responsible in law."""

    MUNICIPALITY = "municipality"
    REGION = "region"


class GivenBy(StrEnum):
    """Who gives it. What a hospital gives is not ordered here."""

    MUNICIPALITY = "municipality"
    HOSPITAL = "hospital"


class StepKind(StrEnum):
    """What a step is for."""

    ASSESSMENT = "assessment"
    CONVERSATION = "conversation"
    TRAINING = "training"
    TEACHING = "teaching"
    COUNSELLING = "counselling"
    COURSE = "course"
    ACTIVITY = "activity"
    LABOUR_MARKET = "labour-market"
    CONFERENCE = "conference"
    BRIDGING = "bridging"


OPENING: Final = frozenset({StepKind.ASSESSMENT, StepKind.CONVERSATION})
"""Kinds in which somebody gets to know the citizen, so that what follows waits for them."""


class Delivery(StrEnum):
    """Where or how a step is given. A centre for activities is no training location."""

    LOCATION = "location"
    CENTRE = "centre"
    HOME = "home"
    SCREEN = "screen"
    TELEPHONE = "telephone"
    ASSOCIATION = "association"


ROOMY: Final = frozenset({Delivery.LOCATION, Delivery.CENTRE})
"""Where a step may need a room of the provider's."""


class Role(StrEnum):
    """In what role somebody leads a step."""

    STAFF = "staff"
    VOLUNTEER = "volunteer"
    PEER = "peer"


class Phase(StrEnum):
    """How far a programme has come; the first two are not open to citizens."""

    MAPPING = "mapping"
    MODEL = "model"
    PILOT = "pilot"
    EVALUATION = "evaluation"


UNOPENED: Final = frozenset({Phase.MAPPING, Phase.MODEL})


class Moment(StrEnum):
    """When a form is asked."""

    BEFORE = "before"
    AFTER = "after"
    SIX_MONTHS = "six-months"
