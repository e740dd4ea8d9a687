"""Golden files: the delivery reports of Ruddi's eight events, whole, as they would be delivered.

Run with GENVEJ_GOLDEN=write to write them anew after a deliberate change, and read the difference.
The values are held against KL's own reports in `tests/unit/referral/report/test_report_ruddi.py`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.referral.report.check import faults
from tests.unit.referral.report import ruddi

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("GENVEJ_GOLDEN") == "write"
REPORTS = {f"ruddi-{n}.json": one.resource for n, one in enumerate(ruddi.reports(), start=1)}


@pytest.mark.parametrize("name", list(REPORTS))
def test_ruddis_reports_are_the_golden_ones(name: str) -> None:
    path = GOLDEN / name
    value = f"{json.dumps(REPORTS[name], ensure_ascii=False, indent=1)}\n".encode()
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    assert path.read_bytes() == value, "run with GENVEJ_GOLDEN=write and read the difference"


@pytest.mark.parametrize("name", list(REPORTS))
def test_kls_profiles_find_nothing_wrong_with_a_golden_report(name: str) -> None:
    assert faults(json.loads((GOLDEN / name).read_bytes())) == ()
