"""What the citizen is told, and why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.notifications.commands import (
    Case,
    Change,
    CloseReferral,
    Command,
    Decision,
    OpenFreeChoice,
    SessionNews,
    Wait,
    WaitForOrder,
    WithdrawOrder,
)
from services.notifications.domain import FREE_CHOICE_KEEPS, decide
from services.notifications.message import (
    About,
    Channel,
    Draft,
    Facts,
    Past,
    Place,
    Reach,
    Slot,
    Status,
    Template,
)
from services.notifications.quiet import Quiet
from tests.unit.notifications.factories import NOW, RUDDI, SESSION

BY_MAIL = Reach(email=True, mobile=True)
BY_TEXT = Reach(email=False, mobile=True)
UNREACHABLE = Reach(email=False, mobile=False)
LATER = SESSION + timedelta(days=1)
SENT_ALREADY = [Status.SENDING, Status.SENT, Status.UNCERTAIN, Status.FAILED]


def about(cause: str = "event-new") -> About:
    return About(cause=cause, referral_id="referral-1", citizen_id=RUDDI, provider="730")


def a_slot(start: datetime = SESSION) -> Slot:
    return Slot(start=start, end=start + timedelta(hours=1), place=Place(name="Sundhedscentret"))


def news(
    change: Change = Change.OFFERED,
    start: datetime = SESSION,
    revision: int = 1,
    *,
    cause: str = "event-new",
) -> SessionNews:
    slot = a_slot(start)
    return SessionNews(
        about=about(cause),
        change=change,
        session_id="session-1",
        order_id="order-1",
        revision=revision,
        slot=slot,
        facts=Facts(slot=slot),
    )


def told(
    status: Status = Status.SENT,
    template: Template = Template.SESSION_OFFERED,
    start: datetime = SESSION,
    revision: int = 1,
    **changes: object,
) -> Past:
    past = Past(
        notification_id=f"message-{revision}",
        cause=f"event-{revision}",
        template=template,
        status=status,
        order_id="order-1",
        session_id="session-1",
        revision=revision,
        first_contact=True,
        slot=a_slot(start),
    )
    return replace(past, **changes)  # type: ignore[arg-type]


def told_of_free_choice(status: Status = Status.SENT) -> Past:
    return told(status, Template.FREE_CHOICE_OPENED, session_id=None, order_id=None, slot=None)


def decided(command: Command, case: Case, now: datetime = NOW) -> Decision:
    decision = decide(command, case, now, Quiet())
    assert isinstance(decision, Decision)
    return decision


def drafted(command: Command, case: Case, now: datetime = NOW) -> Draft:
    draft = decided(command, case, now).draft
    assert draft is not None
    return draft


def case(reach: Reach | None = BY_MAIL, *past: Past, **changes: object) -> Case:
    return replace(Case(reach=reach, past=past), **changes)  # type: ignore[arg-type]


def test_mail_is_preferred_and_a_text_is_what_remains() -> None:
    assert drafted(news(), case(BY_MAIL)).channel is Channel.EMAIL
    assert drafted(news(), case(BY_TEXT)).channel is Channel.SMS


def test_a_citizen_whom_no_channel_reaches_gets_a_message_that_the_sender_will_fail() -> None:
    draft = drafted(news(), case(UNREACHABLE))
    assert (draft.channel, draft.status) == (None, Status.CREATED)


def test_nothing_is_decided_before_the_contact_is_known() -> None:
    for command in (news(), news(Change.CANCELLED), OpenFreeChoice(about=about(), facts=Facts())):
        assert decide(command, case(None), NOW, Quiet()) == Wait(citizen_id=RUDDI)


@pytest.mark.parametrize("command", [news(), OpenFreeChoice(about=about(), facts=Facts())])
def test_the_deceased_and_the_erased_get_nothing(command: Command) -> None:
    for reach, reason in (
        (replace(BY_MAIL, deceased=True), "deceased"),
        (replace(UNREACHABLE, erased=True), "erased"),
    ):
        draft = drafted(command, case(reach))
        assert (draft.status, draft.reason) == (Status.CANCELLED, reason)


def test_the_same_event_again_changes_nothing() -> None:
    mine = told(Status.CREATED, cause="event-new")
    assert decided(news(), case(BY_MAIL, mine)) == Decision()


def test_news_that_were_overtaken_change_nothing() -> None:
    moved = told(Status.SENT, Template.SESSION_MOVED, LATER, revision=2)
    assert decided(news(revision=1), case(BY_MAIL, moved)) == Decision()


def test_a_move_tells_the_old_time_and_the_new() -> None:
    draft = drafted(news(Change.MOVED, LATER, 2), case(BY_MAIL, told()))
    assert draft.template is Template.SESSION_MOVED
    assert draft.facts.slot == a_slot(LATER)
    assert draft.facts.previous == a_slot(SESSION)
    assert draft.expires == LATER


def test_a_move_names_the_time_that_the_citizen_knows_not_one_that_was_never_told() -> None:
    between = told(Status.CREATED, Template.SESSION_MOVED, SESSION + timedelta(hours=2), revision=2)
    decision = decided(news(Change.MOVED, LATER, 3), case(BY_MAIL, told(), between))
    assert decision.cancels == {"message-2": "superseded"}
    assert decision.draft is not None
    assert decision.draft.facts.previous == a_slot(SESSION)


def test_a_move_of_an_offer_that_was_not_sent_becomes_the_offer() -> None:
    decision = decided(news(Change.MOVED, LATER, 2), case(BY_MAIL, told(Status.CREATED)))
    assert decision.cancels == {"message-1": "superseded"}
    assert decision.draft is not None
    assert decision.draft.template is Template.SESSION_OFFERED
    assert decision.draft.first_contact


def test_what_is_restated_changes_only_a_message_that_has_not_left() -> None:
    restated = news(Change.OFFERED, SESSION, 2)
    decision = decided(restated, case(BY_MAIL, told(Status.CREATED)))
    assert decision.cancels == {"message-1": "superseded"}
    assert decision.draft is not None
    assert (decision.draft.template, decision.draft.status) == (
        Template.SESSION_OFFERED,
        Status.CREATED,
    )
    assert drafted(restated, case(BY_MAIL, told())).reason == "nothing-new"


def test_an_offer_made_again_is_told_again_with_the_times_that_are_free_now() -> None:
    again = news(Change.REOFFERED, SESSION, 2)
    draft = drafted(again, case(BY_MAIL, told()))
    assert (draft.template, draft.status) == (Template.SESSION_OFFERED, Status.CREATED)
    unaware = drafted(news(Change.REOFFERED, LATER, 3), case(BY_MAIL, told()))
    assert (unaware.template, unaware.facts.previous) == (Template.SESSION_MOVED, a_slot(SESSION))


def test_a_move_there_and_back_before_anything_was_sent_is_not_told() -> None:
    away = told(Status.CREATED, Template.SESSION_MOVED, LATER, revision=2)
    decision = decided(news(Change.MOVED, SESSION, 3), case(BY_MAIL, told(), away))
    assert decision.cancels == {"message-2": "superseded"}
    assert decision.draft is not None
    assert decision.draft.reason == "nothing-new"


@pytest.mark.parametrize("status", SENT_ALREADY)
def test_a_cancellation_is_told_to_who_may_know_of_the_session(status: Status) -> None:
    draft = drafted(news(Change.CANCELLED, revision=2), case(BY_MAIL, told(status)))
    assert (draft.template, draft.status) == (Template.SESSION_CANCELLED, Status.CREATED)
    assert draft.facts.slot == a_slot(SESSION)


def test_a_cancellation_of_what_was_never_told_is_not_told_but_kept_against_older_news() -> None:
    decision = decided(news(Change.CANCELLED, revision=2), case(BY_MAIL, told(Status.CREATED)))
    assert decision.cancels == {"message-1": "superseded"}
    assert decision.draft is not None
    assert (decision.draft.status, decision.draft.reason) == (Status.CANCELLED, "nothing-told")
    nobody_knew = drafted(news(Change.CANCELLED, revision=2), case(BY_MAIL))
    assert nobody_knew.status is Status.CANCELLED


def test_an_offer_after_a_cancellation_that_was_told_is_an_offer_again() -> None:
    gone = told(Status.SENT, Template.SESSION_CANCELLED, revision=2)
    draft = drafted(news(Change.MOVED, LATER, 3), case(BY_MAIL, told(), gone))
    assert draft.template is Template.SESSION_OFFERED


def test_an_offer_for_an_order_that_no_longer_stands_is_not_told() -> None:
    for gone in (
        case(BY_MAIL, withdrawn_orders=frozenset({"order-1"})),
        case(BY_MAIL, closed=True),
    ):
        assert drafted(news(), gone).reason == "order-withdrawn"


def test_the_cancellation_that_follows_a_withdrawn_order_is_told() -> None:
    gone = case(BY_MAIL, told(), withdrawn_orders=frozenset({"order-1"}), closed=True)
    assert drafted(news(Change.CANCELLED, revision=2), gone).status is Status.CREATED


def test_a_withdrawn_order_takes_back_what_was_not_sent_except_farewells() -> None:
    farewell = told(Status.CREATED, Template.SESSION_CANCELLED, revision=3)
    decision = decided(
        WithdrawOrder(about=about(), order_id="order-1"),
        case(BY_MAIL, told(), told(Status.CREATED, revision=2), farewell),
    )
    assert decision == Decision(cancels={"message-2": "order-withdrawn"})


def test_the_first_message_tells_of_the_choice_and_the_next_does_not() -> None:
    assert drafted(news(), case(BY_MAIL)).first_contact
    assert not drafted(news(Change.MOVED, LATER, 2), case(BY_MAIL, told())).first_contact


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_what_did_not_arrive_was_no_first_contact(status: Status) -> None:
    command = OpenFreeChoice(about=about(), facts=Facts())
    assert drafted(command, case(BY_MAIL, told(status))).first_contact


def test_a_session_message_expires_when_the_session_begins() -> None:
    assert drafted(news(), case(BY_MAIL)).expires == SESSION


def test_free_choice_is_told_once_and_expires() -> None:
    command = OpenFreeChoice(about=about(), facts=Facts(reason="infeasible"))
    draft = drafted(command, case(BY_MAIL))
    assert draft.template is Template.FREE_CHOICE_OPENED
    assert draft.expires == NOW + FREE_CHOICE_KEEPS
    for status in (Status.CREATED, *SENT_ALREADY):
        assert decided(command, case(BY_MAIL, told_of_free_choice(status))) == Decision()
    assert decided(command, case(BY_MAIL, closed=True)) == Decision()


def test_who_was_told_of_free_choice_is_told_when_the_plan_is_taken_back() -> None:
    closing = CloseReferral(about=about(), reason="entered-in-error")
    draft = drafted(closing, case(BY_MAIL, told_of_free_choice()))
    assert draft.template is Template.FREE_CHOICE_WITHDRAWN
    assert draft.facts.reason == "entered-in-error"
    assert not draft.first_contact


def test_a_plan_that_is_taken_back_before_anything_was_sent_is_never_told_of() -> None:
    closing = CloseReferral(about=about(), reason="revoked")
    decision = decided(
        closing, case(BY_MAIL, told(Status.CREATED), told_of_free_choice(Status.CREATED))
    )
    assert decision.draft is None
    assert set(decision.cancels.values()) == {"referral-revoked"}


def test_texts_wait_for_the_morning_and_mails_do_not() -> None:
    night = NOW.replace(hour=22)  # 23 in Denmark
    assert drafted(news(), case(BY_MAIL), night).due == night
    morning = (night + timedelta(days=1)).replace(hour=6)
    assert drafted(news(), case(BY_TEXT), night).due == morning


def test_a_bedside_plan_is_worth_waking_for() -> None:
    night = NOW.replace(hour=22)
    draft = drafted(news(), case(BY_TEXT, bedside_orders=frozenset({"order-1"})), night)
    assert draft.urgent
    assert draft.due == night


def test_after_a_death_nothing_is_told_and_all_that_waits_is_taken_back() -> None:
    farewell = told(Status.CREATED, Template.SESSION_CANCELLED, revision=3)
    waiting = told(Status.CREATED, revision=2)
    closing = CloseReferral(about=about(), reason="deceased")
    decision = decided(closing, case(BY_MAIL, told_of_free_choice(), waiting, farewell))
    assert decision.draft is None
    assert set(decision.cancels.values()) == {"deceased"}
    assert len(decision.cancels) == 2
    dead = case(BY_MAIL, told(), closed=True, deceased=True)  # the contact doesn't say so yet
    assert drafted(news(Change.CANCELLED, revision=2), dead).reason == "deceased"


def test_a_time_that_falls_with_its_order_is_told_when_it_is_known_why() -> None:
    falls = news(Change.CANCELLED, revision=2)
    falls = replace(falls, facts=replace(falls.facts, reason="order-withdrawn"))
    unknown = decide(falls, case(BY_MAIL, told()), NOW, Quiet())
    assert unknown == WaitForOrder(order_id="order-1")
    known = case(BY_MAIL, told(), withdrawn_orders=frozenset({"order-1"}))
    assert drafted(falls, known).status is Status.CREATED
