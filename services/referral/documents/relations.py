"""What relatives are to the citizen, in Danish.

HL7's role codes with HL7 Denmark's own (hl7dk/dk-core, input/fsh/codeSystems.fsh and
valueSets.fsh: RelatedPersonRelationshipTypes), and the codes of MedCom's XML (glasdam/
edifact_converter, data/xml/Schemas/2006/07/01/ValueLists.xsd: RelationCodeType).
"""

from __future__ import annotations

from typing import Final

PARENTAL_AUTHORITY: Final = "PARAUTH"

DANISH: Final = {
    "FAMMEMB": "familiemedlem",
    "CHILD": "barn",
    "DAUC": "datter",
    "SONC": "søn",
    "GRNDCHILD": "barnebarn",
    "GRPRN": "bedsteforælder",
    "CHLDINLAW": "svigerbarn",
    "PRN": "forælder",
    "FTH": "far",
    "MTH": "mor",
    "SIB": "søskende",
    "DOMPART": "registreret partner",
    "SPS": "ægtefælle",
    "FRND": "ven",
    "NBOR": "nabo",
    "ROOM": "samboende",
    "GUARD": "værge",
    "NOK": "pårørende",
    "POWATT": "fuldmagtshaver",
    "ECON": "primær kontakt",
    PARENTAL_AUTHORITY: "forældremyndighedsindehaver",
    "PRICARE": "primær omsorgsperson",
    "PROCON": "professionel kontakt",
    "uspec_paaroerende": "pårørende",
    "vaerge": "værge",
}
