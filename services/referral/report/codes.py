"""KL's and HL7's codes in the § 140 delivery report. Standard library only.

Sources: hl7dk/kl-gateway-rehab 2.2.0, `input/fsh/140CodeSystem.fsh` (value sets),
`140Extensions.fsh` and `aliases.fsh` (addresses); displays as in hl7dk/kl-term,
`input/vocabulary/CodeSystem-CareSocialCodes.json` and `CodeSystem-FSIII.json`; the profiles'
identifier systems from hl7dk/dk-core, `input/fsh/DkCoreCprIdentifier.fsh` and `SORIdentifier.fsh`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.referral.plan import PlanType

CPR: Final = "urn:oid:1.2.208.176.1.2"
SOR: Final = "urn:oid:1.2.208.176.1.1"
KL: Final = "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes"
FSIII: Final = "urn:oid:1.2.208.176.2.21"
SKS_D: Final = "urn:oid:1.2.208.176.2.4.12"
ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"

DEFINITION: Final = "http://fhir.kl.dk/rehab/StructureDefinition/"
DISCHARGE_DATE: Final = f"{DEFINITION}PreconditionDate"
DELIVERY_TYPE: Final = f"{DEFINITION}DeliveryType"
BASED_ON_REQUEST: Final = f"{DEFINITION}BasedOnServiceRequestExtension"
BASED_ON_CARE_PLAN: Final = f"{DEFINITION}BasedOnCarePlanExtension"
STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

REHABILITATION: Final = "7fc66c15-0cb3-4c89-9e18-f3a01e6a6592"


class Profile(StrEnum):
    """KL's profiles by the last part of their address (`input/fsh/140*.fsh`, `Id:`)."""

    REPORT = "klgateway-140-delivery-report"
    CITIZEN = "klgateway-140-citizen"
    ORGANISATION = "klgateway-140-organization"
    FOCUS = "klgateway-140-focus-condition"
    CONDITION = "klgateway-140-condition"
    REQUEST = "klgateway-140-servicerequest"
    CARE_PLAN = "klgateway-140-care-plan"
    INTERVENTION = "klgateway-140-planned-intervention"
    ENCOUNTER = "klgateway-140-encounter"


TYPES: Final[Mapping[PlanType, str]] = {
    PlanType.ALMEN: "ffd81f78-352e-4589-a195-5350dd1df2a4",
    PlanType.GENOPTRAENING_SPECIALISERET: "0c8e2bfc-1350-45d1-90da-c07e2645d073",
    PlanType.REHABILITERING_SPECIALISERET: "83c89857-8fb8-4163-97b1-eb1a56345c29",
}


class Level(StrEnum):
    """What the municipality adds to the type almen (ServiceRequestTypes140)."""

    BASAL = "8b962281-2ab6-4b10-9c91-4bac592d6d49"
    AVANCERET = "b679c454-2da2-46dd-9425-0e52d4aa2bf3"


class HoldReason(StrEnum):
    """Why the municipality doesn't act on a plan, or not yet (ServiceRequestStatusReasons140)."""

    OTHER_MUNICIPALITY = "f64b8f5e-8ced-4a8b-ab73-8994fb524915"
    LATER_START = "a8632e22-bf0c-4f5a-92a7-70977ba104d5"
    FREE_CHOICE = "3796fa11-305f-47d6-b164-45b05489afb2"
    SENT_IN_ERROR = "8ac7be88-5d16-4dbd-a61a-ab02673f4b34"
    FREE_CHOICE_DECLINED = "46a6bc1f-bfe8-4390-a71f-44ad4a384b9d"


class EndReason(StrEnum):
    """Why a course ended before its completion (CancellationTypes)."""

    NO_NEED_CITIZEN = "4bbf6d6a-a1c6-41c2-b8c1-7352b7378adf"
    NO_NEED_PROFESSIONAL = "a63b6aa6-7d56-4e67-a5b3-d73f6d262af5"
    OPTED_OUT = "3a5a72b7-addf-4857-b80c-04e4246e3072"
    OPTED_OUT_ILLNESS = "0cd5734d-b663-47c6-a3da-6b14a937d144"
    OPTED_OUT_TRANSPORT_COST = "f8436c2e-af1c-44fe-939d-473b518dd01d"
    OPTED_OUT_TRANSPORT_LOGISTICS = "8371b769-4bfb-4ac8-b130-d91c54784a56"
    OPTED_OUT_OTHER_TRAINING = "a3f2bd01-078b-486e-81be-797d192ad7bd"
    EVENT = "82e99421-31da-4915-96ed-168ccfa1d20c"
    NOT_SEEN = "ef491570-7884-4acd-bcf7-43d6b2c64762"


class Category(StrEnum):
    """What kind of course a care plan is (CarePlanCategories140)."""

    FOLLOW_UP = "4863001e-14c7-4be8-a2da-e4f21a4b6ac4"
    INTERVENTION = "f15b2663-94d9-4d0c-a5de-d8bd8e1e4ebb"


class Delivery(StrEnum):
    """How an intervention is delivered (DeliveryTypes140); more than one may hold."""

    INDIVIDUAL = "8d12d74c-17da-47a7-a4fe-e69dbaec0a8c"
    GROUP = "2865f123-15a7-4a36-a514-32ea37c400ca"
    ROBOT = "34cdd6ab-3da9-49e8-84dc-1cbf683d4fcf"
    DIGITAL = "284857a4-5e91-499a-a001-64d7f0b7038a"


class Mode(StrEnum):
    """Where an encounter is held (EncounterClassCodes; the Encounter profile's introduction)."""

    LOCATION = "AMB"
    HOME = "HH"
    SCREEN = "124be95d-6924-4609-9d2a-e7c73ae3ab3d"
    TELEPHONE = "1b55a4b0-1156-4f58-b2df-b5c6014d9048"

    @property
    def system(self) -> str:
        """Whose code it is."""
        return ACT if self in {Mode.LOCATION, Mode.HOME} else KL


ASSESSMENT: Final = "1130ad70-6553-490d-87f8-5e8941687a0c"
COORDINATION: Final = "ba3e17bd-d4aa-4848-acad-25adc8285c19"
FOLLOW_UP: Final = "571fa7da-a155-4a84-b780-ef19170d48a0"

IN_A_CARE_PLAN: Final[Mapping[str, str]] = {
    "7f825e3e-1a5c-4249-bf41-9f7171fb6b8a": "ADL-træning",
    "2abe20c7-c0b4-41c1-b397-52acf36499ef": "Fysisk træning",
    "58293f63-00d7-4730-8dbc-c784d40f9e23": "Funktionstræning",
    "2c661159-1bb3-4af2-bdf1-f3a9927a99e2": "Kognitiv træning",
    "8d714c98-f23a-4722-8a2f-85c162fe4840": "Psykomotorisk træning",
    "66fb32c9-ecc3-484b-be49-f20094be237c": "Vejledning og undervisning",
    "f8ac963c-6ec5-4ec5-bd90-a22fea4e2d16": "Manuel behandling",
}
"""Interventions that must be part of a care plan (invariant klgateway-140-intervention-1)."""

ON_THEIR_OWN: Final[Mapping[str, str]] = {
    ASSESSMENT: "Terapeutfaglig udredning",
    COORDINATION: "Koordinering og kommunikation",
}
"""Interventions that must not be part of one (invariant klgateway-140-intervention-2)."""

INTERVENTIONS: Final[Mapping[str, str]] = {
    **ON_THEIR_OWN,
    **IN_A_CARE_PLAN,
    FOLLOW_UP: "Opfølgning",
}
"""FSIII's interventions for § 140 (kl-term, KLTrainingInterventionsFSIII)."""

CONDITIONS: Final[Mapping[str, str]] = {
    "2bd07f7c-e6bb-424b-ab8f-f7c1de2afe80": "Lave mad",
    "b53bca74-fd3f-4127-89ae-1a39d7836b93": "Lave husligt arbejde",
    "bd088375-65fc-4e1d-9a8b-78dc918e6581": "Indkøb",
    "86e1982c-f459-4658-9071-e4bf3453a687": "Forflytte sig",
    "dd41df82-3c13-4523-b9c5-e83676425299": "Mobilitet og bevægelse",
    "243ae4ae-4e36-4192-88cb-399711ac3766": "Personlig pleje",
    "290baa56-5d8c-40a6-b40c-1de05649f0d1": "Spise og drikke",
    "6a2c3341-c13e-4638-961d-72ba0fe29a80": "Sundhedskompetence",
    "064f983b-5ec5-40a3-bc90-c3fcec6b6ef5": "Kommunikation",
    "1d9759c6-6526-4d07-994a-5dee3fa65177": "Energi og handlekraft",
    "56860429-eabe-4d48-b8ad-d7f7b28f6df5": "Hukommelse",
    "b16668ff-9c02-491e-b082-7b699d93f5bc": "Kognitive funktioner",
    "263a2c2f-7ae2-4264-8808-7e8216b1a118": "Sår og cicatriser",
    "26b05040-94f3-4c8c-9ede-c7223bddf518": "Respiration og cirkulation",
    "3c685f14-5d48-4b1c-a451-9da780e2b41c": "Sanser og smerter",
    "bbc99471-a9f3-41f1-a95b-6842abfb551a": "Kontinens",
    "c6f49b84-58af-43df-bb3e-0d6a67fa0aba": "Bevægeapparat",
}
"""FSIII's conditions for § 140 (Conditions140)."""

NOT_IN_A_FOCUS_CONDITION: Final = frozenset(
    {
        FSIII,
        "http://snomed.info/sct",
        "urn:oid:1.2.208.176.2.22",  # FFB
        "urn:oid:1.2.208.176.2.31",  # ICPC-2
    }
)
"""Code systems that KLGateway140FocusCondition forbids (dk-core-condition's slices)."""

DISPLAYS: Final[Mapping[str, str]] = {
    REHABILITATION: "Kommunal genoptræning efter sygehusophold",
    TYPES[PlanType.ALMEN]: "Almen",
    TYPES[PlanType.GENOPTRAENING_SPECIALISERET]: "Specialiseret",
    TYPES[PlanType.REHABILITERING_SPECIALISERET]: "Rehabilitering",
    Level.BASAL: "Basal",
    Level.AVANCERET: "Avanceret",
    HoldReason.OTHER_MUNICIPALITY: "Anden kommmune",  # so spelt in kl-term
    HoldReason.LATER_START: "Udskudt",
    HoldReason.FREE_CHOICE: "Frit valg",
    HoldReason.SENT_IN_ERROR: "Fejl",
    HoldReason.FREE_CHOICE_DECLINED: "Frit valg afslået",
    EndReason.NO_NEED_CITIZEN: "Ikke yderligere behov (borger-vurderet)",
    EndReason.NO_NEED_PROFESSIONAL: "Ikke yderligere behov (fagperson-vurderet)",
    EndReason.OPTED_OUT: "Aktivt fravalg",
    EndReason.OPTED_OUT_ILLNESS: "Aktivt fravalg pga. anden sygdom",
    EndReason.OPTED_OUT_TRANSPORT_COST: "Aktivt fravalg pga. økonomi ifm. transport",
    EndReason.OPTED_OUT_TRANSPORT_LOGISTICS: "Aktivt fravalg pga. logistik ifm. transport",
    EndReason.OPTED_OUT_OTHER_TRAINING: "Aktivt fravalg pga. anden træning",
    EndReason.EVENT: "Hændelse medfører ophør",
    EndReason.NOT_SEEN: "Borger har ikke henvendt sig eller er udeblevet",
    Category.FOLLOW_UP: "Opfølgningsforløb efter §140",
    Category.INTERVENTION: "Interventionsforløb efter §140",
    Delivery.INDIVIDUAL: "Individuel indsats",
    Delivery.GROUP: "Gruppebaseret indsats",
    Delivery.ROBOT: "Robot leverer indsats",
    Delivery.DIGITAL: "Digital levering af indsats",
    Mode.LOCATION: "ambulatory",
    Mode.HOME: "home health",
    Mode.SCREEN: "Skærmbesøg",
    Mode.TELEPHONE: "Telefonisk",
    **INTERVENTIONS,
    **CONDITIONS,
}
"""What each code is called by whoever keeps it."""

# -- what our own words stand for ------------------------------------------------------------------

LEVELS: Final[Mapping[str, Level]] = {
    "p140-basal": Level.BASAL,
    "p140-avanceret": Level.AVANCERET,
}
"""The level that an order's programme stands for (`services/referral/programmes`)."""
HELD: Final[Mapping[str, HoldReason]] = {
    "free-choice": HoldReason.FREE_CHOICE,
    "other-municipality": HoldReason.OTHER_MUNICIPALITY,
    "moved": HoldReason.OTHER_MUNICIPALITY,
}
"""Why an order that was handed over has no start in time, by the reason of its withdrawal."""
