"""What Genvej promises, and what in a ledger breaks each promise."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

from deploy.cli.receipts import Receipt
from deploy.demo.ledger import Ledger


def promises(ledger: Ledger) -> list[tuple[str, list[str]]]:
    """Each promise with what breaks it; an empty list says that it was held."""
    late = [c.document_id for c in ledger.late() if not c.free_choice]
    twice = [id_ for id_, times in ledger.ids.items() if times > 1]
    return [
        ("every document has one final answer, the expected one", _wrong_answers(ledger)),
        ("every standing order is offered, or said to be infeasible", ledger.unplanned()),
        ("whoever can't be offered a start inside the limit has free choice", late),
        ("no therapist, no room and no citizen is booked twice", _doubles(ledger)),
        ("no first session on the days of receipt and discharge, or before", _too_early(ledger)),
        ("everybody was told, and nobody twice of the same", [*ledger.untold(), *_retold(ledger)]),
        ("no event was published twice", twice),
    ]


def _wrong_answers(ledger: Ledger) -> list[str]:
    published = Counter(sent.document_id or sent.origin for sent in ledger.sent)
    wrong = []
    for sent in ledger.sent:
        receipts = [r for r in ledger.answers_to(sent) if r.outcome != "transient-error"]
        outcomes = [r.outcome for r in receipts]
        is_dead = sent.origin in ledger.dead
        held = {
            "accepted": "ok" in outcomes,
            "duplicate": "ok" in outcomes,
            "refused": any(_refuses(r, sent.element) for r in receipts),
            "dead-letter": is_dead,
        }[sent.expected]
        # Several documents may share an id: then each has an answer, and all stand under it.
        once = len(receipts) + is_dead == 1 or published[sent.document_id or sent.origin] > 1
        if not (held and once) or (is_dead and sent.expected != "dead-letter"):
            got = ", ".join(outcomes) or "no answer"
            if is_dead:
                got += f", a dead letter ({ledger.dead[sent.origin]})"
            named = ", ".join(p.element for r in receipts for p in r.problems)
            want = f"{sent.expected} {sent.element or ''}".strip()
            wrong.append(f"{sent.story}: expected {want}, got {got} {named} ({sent.origin})")
    return wrong


def _refuses(receipt: Receipt, element: str | None) -> bool:
    """Whether a receipt refuses, and names the element."""
    elements = [problem.element for problem in receipt.problems]
    return receipt.outcome == "fatal-error" and (element is None or element in elements)


def _doubles(ledger: Ledger) -> list[str]:
    booked: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for course in ledger.courses.values():
        for session in course.sessions.values():
            place = session["location"]["code"]
            time = session["start"], session["end"]
            booked["therapist", session["therapist"]].append(time)
            booked["room", f"{place}/{session['room']}"].append(time)
            booked["citizen", session["citizen_id"]].append(time)
    return [
        f"{what} {which} at {later[0]}"
        for (what, which), times in booked.items()
        for earlier, later in pairwise(sorted(times))
        if later[0] < earlier[1]
    ]


def _too_early(ledger: Ledger) -> list[str]:
    return [
        c.document_id
        for c in ledger.courses.values()
        if c.start and c.start <= max(c.discharge, c.received)
    ]


def _retold(ledger: Ledger) -> list[str]:
    """News of which somebody was told more than once by the same channel."""
    return [
        f"{template} by {channel}, caused by {cause}, {times} times"
        for cause, messages in ledger.told.items()
        for (template, channel), times in Counter(
            (m["template"], m["channel"]) for m in messages if m["kind"] == "notification.sent.v1"
        ).items()
        if times > 1
    ]
