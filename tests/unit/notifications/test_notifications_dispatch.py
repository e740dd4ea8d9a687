"""What is checked at the moment of sending, and what follows from how it went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.dispatch import (
    Again,
    Drop,
    GiveUp,
    Hold,
    Order,
    Pending,
    Permanent,
    Retry,
    Send,
    Temporary,
    after_failure,
    dispatch,
)
from services.notifications.message import Channel, Reach
from services.notifications.quiet import Quiet
from tests.unit.notifications.factories import NOW, SESSION

BOTH = Reach(email=True, mobile=True)
PENDING = Pending(expires=SESSION, urgent=False)
NIGHT = NOW.replace(hour=23)
MORNING = (NIGHT + timedelta(days=1)).replace(hour=6)


@pytest.mark.parametrize(
    ("pending", "reach", "now", "order"),
    [
        (PENDING, BOTH, NOW, Send(Channel.EMAIL)),
        (PENDING, replace(BOTH, email=False), NOW, Send(Channel.SMS)),
        (PENDING, replace(BOTH, email=False, mobile=False), NOW, GiveUp("no-channel")),
        (PENDING, replace(BOTH, deceased=True), NOW, Drop("deceased")),
        (PENDING, replace(BOTH, erased=True), NOW, Drop("erased")),
        (PENDING, None, NOW, Drop("erased")),
        (PENDING, BOTH, SESSION, GiveUp("expired")),
        (PENDING, BOTH, SESSION + timedelta(days=1), GiveUp("expired")),
        (PENDING, replace(BOTH, deceased=True), SESSION, Drop("deceased")),
        (PENDING, BOTH, NIGHT, Send(Channel.EMAIL)),
        (PENDING, replace(BOTH, email=False), NIGHT, Hold(MORNING, Channel.SMS)),
        (replace(PENDING, urgent=True), replace(BOTH, email=False), NIGHT, Send(Channel.SMS)),
        (replace(PENDING, not_by=Channel.EMAIL), BOTH, NOW, Send(Channel.SMS)),
        (
            replace(PENDING, not_by=Channel.EMAIL),
            replace(BOTH, mobile=False),
            NOW,
            GiveUp("no-channel"),
        ),
    ],
)
def test_what_is_checked_at_the_moment_of_sending(
    pending: Pending, reach: Reach | None, now: object, order: Order
) -> None:
    assert dispatch(pending, reach, now, Quiet()) == order  # type: ignore[arg-type]


@given(
    st.builds(Reach, email=st.booleans(), mobile=st.booleans(), deceased=st.just(True)),
    st.timedeltas(timedelta(days=-30), timedelta(days=30)),
    st.booleans(),
)
def test_nothing_is_ever_sent_to_the_deceased(reach: Reach, after: timedelta, urgent: bool) -> None:
    order = dispatch(replace(PENDING, urgent=urgent), reach, NOW + after, Quiet())
    assert order == Drop("deceased")


@given(st.timedeltas(timedelta(0), timedelta(days=30)))
def test_nothing_is_ever_sent_after_the_session_has_begun(after: timedelta) -> None:
    assert dispatch(PENDING, BOTH, SESSION + after, Quiet()) == GiveUp("expired")


def test_a_temporary_failure_is_tried_again_with_growing_pauses_up_to_the_limit() -> None:
    retry = Retry(limit=48)
    pauses = [retry.after(attempts) for attempts in range(1, 50)]
    assert pauses[:7] == [timedelta(seconds=s) for s in (5, 10, 20, 40, 80, 160, 300)]
    assert pauses[-2:] == [timedelta(seconds=300), None]


@given(st.integers(1, 10_000), st.integers(0, 100), st.integers(1, 1000))
def test_pauses_never_shrink_and_never_pass_the_longest(
    attempts: int, limit: int, longest: int
) -> None:
    retry = Retry(limit=limit, longest=timedelta(seconds=longest))
    now, following = retry.after(attempts), retry.after(attempts + 1)
    assert (now is None) == (attempts > limit)
    if now is not None and following is not None:
        assert timedelta(0) < now <= following <= timedelta(seconds=longest)


def test_a_provider_may_ask_for_a_longer_pause() -> None:
    answer = Temporary("gateway-429", wait=timedelta(minutes=10))
    again = after_failure(answer, Channel.SMS, 1, fallback=False, now=NOW, retry=Retry())
    assert again == Again(NOW + timedelta(minutes=10), "gateway-429")


def test_a_permanent_failure_takes_the_other_channel_once() -> None:
    answer = Permanent("smtp-550")
    again = after_failure(answer, Channel.EMAIL, 1, fallback=True, now=NOW, retry=Retry())
    assert again == Again(NOW, "smtp-550", not_by=Channel.EMAIL)
    gone = after_failure(answer, Channel.SMS, 2, fallback=False, now=NOW, retry=Retry())
    assert gone == GiveUp("smtp-550")


def test_a_channel_that_stays_away_gives_way_to_the_other() -> None:
    answer = Temporary("smtp-unreachable")
    tried = after_failure(answer, Channel.EMAIL, 49, fallback=True, now=NOW, retry=Retry(limit=48))
    assert tried == Again(NOW, "smtp-unreachable", not_by=Channel.EMAIL)
