"""What the messages about a stay come to, whatever their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.referral.stay import Change, StayEvent
from services.referral.stays import StayMessage, standing, stays_of
from tests.unit.referral.factories import HOSPITAL, an_accepted_referral

ADMITTED = datetime(2022, 5, 26, 8, tzinfo=UTC)


def said(
    document_id: str,
    event: StayEvent = StayEvent.ADMITTED,
    change: Change = Change.NEW,
    previous: str | None = None,
    *,
    stay: str = "stay",
    ended: datetime | None = None,
) -> StayMessage:
    return StayMessage(
        hospital=HOSPITAL,
        document_id=document_id,
        stay=stay,
        event=event,
        change=change,
        previous=previous,
        started=ADMITTED,
        ended=ended,
    )


HOME = said("home", StayEvent.DISCHARGED, previous="in", ended=ADMITTED + timedelta(days=3))


def test_a_discharge_ends_the_stay_also_when_it_is_heard_first() -> None:
    for messages in ([said("in"), HOME], [HOME, said("in")]):
        (stay,) = stays_of(messages)
        assert stay.ended == HOME.ended
        assert stay.admitted


def test_a_corrected_correction_is_cancelled_as_a_whole() -> None:
    again = said("re", change=Change.REVISED, previous="in")
    gone = said("an", change=Change.CANCELLED, previous="re")
    assert stays_of([said("in"), again, gone]) == ()


def test_a_visit_is_no_admission_until_it_becomes_one() -> None:
    visit = said("staa", StayEvent.ACUTE)
    assert not stays_of([visit])[0].admitted
    assert stays_of([visit, said("in")])[0].admitted


_MESSAGES = st.builds(
    said,
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from(StayEvent),
    st.sampled_from(Change),
    st.sampled_from([None, "a", "b", "c", "d"]),
    stay=st.sampled_from(["one", "two"]),
    ended=st.sampled_from([None, ADMITTED + timedelta(days=1)]),
)


@given(st.lists(_MESSAGES, max_size=8))
def test_whatever_is_said_the_stays_can_be_told_and_nothing_cancelled_is_in_them(
    messages: list[StayMessage],
) -> None:
    stays = stays_of(messages)
    standing(an_accepted_referral(), stays)
    everything = [
        said(f"an-{number}", one.event, Change.CANCELLED, one.document_id, stay=one.stay)
        for number, one in enumerate(messages)
    ]
    assert stays_of([*messages, *everything]) == ()
