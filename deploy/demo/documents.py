"""Synthetic hospital documents: builders of one plan, for demo, tests and benches."""

from __future__ import annotations

from deploy.demo.fhir_plan import fhir_plan, ruddi_fhir
from deploy.demo.ggop_plan import ggop_plan, ruddi_ggop

__all__ = ["fhir_plan", "ggop_plan", "ruddi_fhir", "ruddi_ggop"]
