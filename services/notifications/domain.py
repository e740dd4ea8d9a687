"""What the citizen is told, through which channel, or why not. Standard library only.

`decide` is handed everything it depends on. It never sees a name or an address: what it knows of
a person is which channels reach them and whether they live. Personal data is first opened at the
moment of sending (`dispatch`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.notifications.commands import (
    AskForms,
    Case,
    Change,
    ChangeCitizen,
    CloseReferral,
    Command,
    Decision,
    OpenFreeChoice,
    ReopenReferral,
    SessionNews,
    Wait,
    WaitForOrder,
    WithdrawOrder,
)
from services.notifications.message import (
    About,
    Channel,
    Draft,
    Facts,
    Past,
    Reach,
    Status,
    Template,
)
from services.notifications.quiet import Quiet

# Nobody is served by news about a choice that is older than this.
FREE_CHOICE_KEEPS: Final = timedelta(days=7)

# Who hasn't answered by then is asked by staff.
EVALUATION_KEEPS: Final = timedelta(days=14)

# The reason of a referral's end after which nobody is told anything.
DECEASED: Final = "deceased"
COMPLETED: Final = "completed"


def decide(
    command: Command, case: Case, now: datetime, quiet: Quiet
) -> Decision | Wait | WaitForOrder:
    """What follows for the citizen. The same command a second time changes nothing."""
    if any(past.cause == command.about.cause for past in case.past):
        return Decision()
    match command:
        case SessionNews():
            return _session(command, case, now, quiet)
        case OpenFreeChoice():
            return _free_choice(command, case, now, quiet)
        case AskForms():
            return _forms(command, case, now, quiet)
        case CloseReferral():
            return _closed(command, case, now, quiet)
        case WithdrawOrder() | ReopenReferral() | ChangeCitizen():
            return _taken_back(command, case, now)


def _farewell(past: Past) -> bool:
    return past.template in (Template.SESSION_CANCELLED, Template.FREE_CHOICE_WITHDRAWN)


def _taken_back(
    command: WithdrawOrder | ReopenReferral | ChangeCitizen, case: Case, now: datetime
) -> Decision | Wait:
    """What waits and is no longer true."""
    if isinstance(command, ChangeCitizen):
        # What waits goes to the other, whose contact has to be there.
        known = case.reach is not None
        return Decision() if known else Wait(citizen_id=command.about.citizen_id)
    if isinstance(command, ReopenReferral):
        late = (past for past in case.past if past.unsent and past.template in FORMS_AFTER)
        return Decision(
            cancels={past.notification_id: "referral-reopened" for past in late},
            revives=tuple(p.notification_id for p in case.past if _still_counts(p, case, now)),
        )
    mine = (past for past in case.past if past.unsent and past.order_id == command.order_id)
    return Decision(
        cancels={past.notification_id: "order-withdrawn" for past in mine if not _farewell(past)}
    )


def _still_counts(past: Past, case: Case, now: datetime) -> bool:
    """Whether a message that a referral's end took back is news again once it is open.

    A time that the citizen knows of was called off in silence and lies ahead; a free choice that
    stands was not told. Offers are not: what was booked fell with the order.
    """
    by_end = (past.reason or "").startswith((DECEASED, "referral-"))
    ahead = past.expires is not None and past.expires > now
    if past.status is not Status.CANCELLED or not by_end or not ahead:
        return False
    knows = any(
        one.told and one.session_id == past.session_id and not _farewell(one) for one in case.past
    )
    return past.template is Template.FREE_CHOICE_OPENED or (
        past.template is Template.SESSION_CANCELLED and knows
    )


def _session(
    news: SessionNews, case: Case, now: datetime, quiet: Quiet
) -> Decision | Wait | WaitForOrder:
    explained = case.closed or news.order_id in case.withdrawn_orders
    if news.change is Change.CANCELLED and news.facts.reason == "order-withdrawn" and not explained:
        return WaitForOrder(order_id=news.order_id)
    if case.reach is None:
        return Wait(citizen_id=news.about.citizen_id)
    earlier = [past for past in case.past if past.session_id == news.session_id]
    if any(past.revision > news.revision for past in earlier):
        return Decision()  # overtaken: the citizen has heard, or will hear, of something newer
    # What the citizen believes, which is not always what the session last was.
    known = next((past for past in reversed(earlier) if past.told), None)
    believed = None if known is None or _farewell(known) else known.slot
    template, facts, silent = Template.SESSION_OFFERED, news.facts, None
    if news.change is Change.CANCELLED:
        template = Template.SESSION_CANCELLED
        facts = replace(facts, slot=believed or news.slot)
        silent = None if believed else "nothing-told"
    elif believed is not None and (believed, news.change) != (news.slot, Change.REOFFERED):
        template, facts = Template.SESSION_MOVED, replace(facts, previous=believed)
        silent = "nothing-new" if believed == news.slot else None
    if case.closed or news.order_id in case.withdrawn_orders:
        silent = silent or (None if news.change is Change.CANCELLED else "order-withdrawn")
    return _draft(
        news.about,
        template,
        facts,
        case=case,
        cancels={past.notification_id: "superseded" for past in earlier if past.unsent},
        now=now,
        quiet=quiet,
        expires=(facts.slot or news.slot).start,
        urgent=news.order_id in case.bedside_orders,
        silent=silent,
        session=news,
    )


def _free_choice(
    command: OpenFreeChoice, case: Case, now: datetime, quiet: Quiet
) -> Decision | Wait:
    earlier = [past for past in case.past if past.template is Template.FREE_CHOICE_OPENED]
    if case.closed or any(past.told or past.unsent for past in earlier):
        return Decision()
    if case.reach is None:
        return Wait(citizen_id=command.about.citizen_id)
    return _draft(
        command.about,
        Template.FREE_CHOICE_OPENED,
        command.facts,
        case=case,
        cancels={},
        now=now,
        quiet=quiet,
        expires=now + FREE_CHOICE_KEEPS,
    )


FORMS_AFTER: Final = frozenset({Template.EVALUATION_AFTER, Template.EVALUATION_SIX_MONTHS})
"""What is asked when the course is completed."""

FORMS: Final = FORMS_AFTER | {Template.EVALUATION_BEFORE}


def _forms(command: AskForms, case: Case, now: datetime, quiet: Quiet) -> Decision | Wait:
    """One message for all forms of a moment; about a course that was not completed, none."""
    earlier = [past for past in case.past if past.template is command.template]
    if any(past.told or past.unsent for past in earlier):
        return Decision()
    if case.reach is None:
        return Wait(citizen_id=command.about.citizen_id)
    after = command.template in FORMS_AFTER
    silent = case.closed and not (after and case.completed)
    return _draft(
        command.about,
        command.template,
        command.facts,
        case=case,
        cancels={},
        now=now,
        quiet=quiet,
        expires=now + EVALUATION_KEEPS,
        silent="referral-closed" if silent else None,
    )


COURSE_OVER: Final = frozenset({"completed", "self-directed", "stopped"})
"""Reasons of a referral's end that come after its sessions have begun."""


def _closed(command: CloseReferral, case: Case, now: datetime, quiet: Quiet) -> Decision | Wait:
    dead = command.reason == DECEASED
    cancels = {
        past.notification_id: DECEASED if dead else f"referral-{command.reason}"
        for past in case.past
        if past.unsent and (dead or not (_farewell(past) or _outlives(past, command)))
    }
    if dead:
        return Decision(cancels=cancels)
    # Sessions are taken back one by one by scheduling; a choice is taken back here, unless the
    # course is over.
    if command.reason in COURSE_OVER or not any(
        p.told for p in case.past if p.template is Template.FREE_CHOICE_OPENED
    ):
        return Decision(cancels=cancels)
    return _draft(
        command.about,
        Template.FREE_CHOICE_WITHDRAWN,
        Facts(reason=command.reason),
        case=case,
        cancels=cancels,
        now=now,
        quiet=quiet,
        expires=now + FREE_CHOICE_KEEPS,
    )


def _outlives(past: Past, command: CloseReferral) -> bool:
    """Whether it is asked because of the very end that has come now."""
    return past.template in FORMS_AFTER and command.reason == COMPLETED


def _draft(
    about: About,
    template: Template,
    facts: Facts,
    *,
    case: Case,
    cancels: dict[str, str],
    now: datetime,
    quiet: Quiet,
    expires: datetime,
    urgent: bool = False,
    silent: str | None = None,
    session: SessionNews | None = None,
) -> Decision:
    reach = case.reach or Reach(email=False, mobile=False, erased=True)
    dead = reach.deceased or case.deceased
    silent = DECEASED if dead else "erased" if reach.erased else silent
    channel = reach.channel
    held = channel is Channel.SMS and not urgent
    first = not any(
        past.first_contact
        for past in case.past
        if past.status not in (Status.FAILED, Status.CANCELLED)
        and past.notification_id not in cancels
    )
    draft = Draft(
        about=about,
        template=template,
        facts=facts,
        channel=channel,
        due=quiet.release(now, before=expires) if held else now,
        expires=expires,
        first_contact=first and template not in {Template.FREE_CHOICE_WITHDRAWN, *FORMS},
        urgent=urgent,
        status=Status.CANCELLED if silent else Status.CREATED,
        reason=silent,
        order_id=session.order_id if session else None,
        session_id=session.session_id if session else None,
        revision=session.revision if session else 0,
        recipient=case.recipient,
    )
    return Decision(draft=draft, cancels=cancels)
