"""KL's § 140 delivery report: a citizen's rehabilitation as FHIR Bundles (hl7dk/kl-gateway-rehab).

`facts` is the vocabulary, `deliver` the report, `check` what KL's profiles would find wrong with
it, `wire` how Genvej's events become facts.
"""

from services.referral.report.datatypes import Withheld
from services.referral.report.deliver import Bundle, deliver
from services.referral.report.facts import Fact
from services.referral.report.record import Contradiction

__all__ = ["Bundle", "Contradiction", "Fact", "Withheld", "deliver"]
