"""What holds of the report of any history that can have happened."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.report import deliver
from services.referral.report.check import faults
from services.referral.report.facts import Fact, ReportDelivered
from tests.unit.referral.report import ruddi
from tests.unit.referral.report.histories import histories

AT = ruddi.evening(6, 24)


@settings(max_examples=200, deadline=None)
@given(history=histories(), base=st.sampled_from([None, ruddi.BASE, f"{ruddi.BASE}/"]))
def test_the_report_conforms_and_answers_its_references(
    history: list[Fact], base: str | None
) -> None:
    assert faults(deliver(history, at=AT, base=base).resource) == ()


@settings(max_examples=100, deadline=None)
@given(history=histories())
def test_a_report_is_not_made_twice_of_the_same(history: list[Fact]) -> None:
    assert deliver([*history, ReportDelivered(AT)], at=AT).is_empty


@settings(max_examples=100, deadline=None)
@given(history=histories(), cut=st.integers(1, 26))
def test_reports_of_parts_add_up_to_the_report_of_the_whole(history: list[Fact], cut: int) -> None:
    """Whoever keeps the newest of each resource knows what one report of all would have told."""
    told: list[Fact] = [fact for fact in history if not isinstance(fact, ReportDelivered)]
    parts = (
        deliver(told[:cut], at=AT),
        deliver([*told[:cut], ReportDelivered(AT), *told[cut:]], at=AT),
    )
    kept = {e["fullUrl"]: e["resource"] for part in parts for e in part.resource["entry"]}
    whole = deliver(told, at=AT).resource["entry"]
    assert kept == {entry["fullUrl"]: entry["resource"] for entry in whole}
