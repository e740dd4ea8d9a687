"""Citizens, sessions and events as the tests of notifications speak of them.

People are MedCom's public test persons; phone numbers and addresses are made up.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifications.settings import Municipality
from shared.crypto import Vault, new_data_key, seal_record
from shared.envelope import TYPE_PREFIX, Message

RANDERS = Municipality(code="730", name="Randers Kommune", phone="89 15 15 15")
HOLBAEK = Municipality(code="316", name="Holbæk Kommune", phone="72 36 36 36")
MUNICIPALITIES = {place.code: place for place in (RANDERS, HOLBAEK)}

# A Tuesday morning; the session is on Friday.
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SESSION = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)

# Example keys for tests alone.
VAULT_KEYS = "k1:" + "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMDE="
CITIZENS_KEYS = "k1:" + "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMDI="

RUDDI = "ruddi26charactersofbase32a"


# What no text message says, and no mail either but for a place's own name.
FORBIDDEN = re.compile(
    # types of plan, what the plan is, diagnoses (words and SKS codes), CPR, the citizen's street
    r"genoptræn|rehabilit|almen|specialiser|basal|avanceret|diagnos|fraktur|sygdom|sygehus"
    r"|hospital|patient|plan\b|\bD[A-Z]\d{2,}|\b\d{6}-?\d{4}\b|Hemmeligvej",
    re.IGNORECASE,
)


def instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def a_place(name: str = "Randers Sundhedscenter", **changes: str) -> dict[str, Any]:
    place = {"code": "R", "name": name, "address": "Biografgade 3", "postcode": "8900"}
    return {**place, **changes}


def an_event(
    kind: str,
    data: Mapping[str, Any] | bytes | None,
    *,
    topic: str = "training",
    event_id: str | None = None,
    key: str = "730",
    subject: str = "referral-1",
) -> Message:
    value = data if isinstance(data, bytes) or data is None else json.dumps(data).encode()
    return Message(
        topic=topic,
        partition=0,
        offset=0,
        key=key.encode(),
        value=value,
        timestamp=NOW,
        id=event_id or str(uuid.uuid4()),
        source="/genvej/test",
        type=f"{TYPE_PREFIX}{kind}.v1",
        subject=subject,
        correlation_id="document-1",
    )


def an_offer(
    start: datetime = SESSION,
    *,
    citizen: str = RUDDI,
    referral: str = "referral-1",
    session: str = "session-1",
    order: str = "order-1",
    revision: int = 1,
    event_id: str | None = None,
    **changes: Any,
) -> Message:
    other = start + timedelta(hours=3)
    data = {
        "session_id": session,
        "order_id": order,
        "referral_id": referral,
        "citizen_id": citizen,
        "provider": "730",
        "step_id": "step-1",
        "start": instant(start),
        "end": instant(start + timedelta(hours=1)),
        "location": a_place(),
        "room": "R1",
        "therapist": "t7",
        "delivery": "location",
        "limit": "2026-12-01",
        "inside_limit": True,
        "transport": False,
        "distance_m": 1200,
        "alternatives": [
            {
                "start": instant(other),
                "end": instant(other + timedelta(hours=1)),
                "location": a_place("Langå Træning", address="Bredgade 4", postcode="8870"),
            }
        ],
        "offered_at": instant(NOW),
        "revision": revision,
        "reason": "nearest",
        **changes,
    }
    kind = "session.moved" if "previous" in changes else "session.offered"
    return an_event(kind, data, event_id=event_id, key=data["provider"], subject=referral)


def a_move(
    start: datetime, *, was: datetime = SESSION, revision: int = 2, **changes: Any
) -> Message:
    previous = {"start": instant(was), "end": instant(was), "location": a_place()}
    return an_offer(start, revision=revision, previous=previous, **changes)


def a_cancellation(
    start: datetime = SESSION,
    *,
    reason: str = "capacity-gone",
    revision: int = 2,
    event_id: str | None = None,
    **changes: Any,
) -> Message:
    data = {
        "session_id": "session-1",
        "order_id": "order-1",
        "referral_id": "referral-1",
        "citizen_id": RUDDI,
        "provider": "730",
        "start": instant(start),
        "reason": reason,
        "revision": revision,
        **changes,
    }
    return an_event("session.cancelled", data, event_id=event_id, subject=data["referral_id"])


def _about(**changes: Any) -> dict[str, Any]:
    return {"referral_id": "referral-1", "citizen_id": RUDDI, "provider": "730", **changes}


def a_free_choice(*, event_id: str | None = None, **changes: Any) -> Message:
    data = _about(limit="2026-12-01", reason="infeasible", **changes)
    return an_event("free-choice.opened", data, topic="referrals", event_id=event_id)


def an_order(*, bedside: bool = False, event_id: str | None = None) -> Message:
    data = _about(order_id="order-1", bedside=bedside, language="da")
    return an_event("order.placed", data, topic="referrals", event_id=event_id)


def a_withdrawal(*, reason: str = "revoked", event_id: str | None = None) -> Message:
    data = _about(order_id="order-1", reason=reason)
    return an_event("order.withdrawn", data, topic="referrals", event_id=event_id)


def a_closing(*, reason: str = "revoked", event_id: str | None = None) -> Message:
    data = _about(reason=reason, closed_at=instant(NOW))
    return an_event("referral.closed", data, topic="referrals", event_id=event_id)


def a_reopening(*, event_id: str | None = None) -> Message:
    data = _about(reopened_at=instant(NOW))
    return an_event("referral.reopened", data, topic="referrals", event_id=event_id)


def a_changed_citizen(citizen: str, *, referral: str = "referral-1") -> Message:
    data = _about(at=instant(NOW)) | {"citizen_id": citizen, "referral_id": referral}
    return an_event("referral.citizen-changed", data, topic="referrals", subject=referral)


def a_question(moment: str = "before", *, form: str = "whodas-12") -> Message:
    data = _about(
        evaluation_id=f"{form}-{moment}",
        programme="p140-basal",
        form=form,
        moment=moment,
        at=instant(NOW),
        municipality="730",
        code="K3VQA-7TMPX",
    )
    return an_event("evaluation.asked", data, topic="evaluations")


def a_citizen(
    citizen: str = RUDDI,
    *,
    given: str = "Ruddi Test",
    family: str = "Berggren",
    email: str | None = "ruddi@example.com",
    phone: str | None = "+44 7700 900101",
    language: str = "da",
    deceased: bool = False,
    protected: bool = False,
    version: int = 1,
    birth_date: str | None = "1977-02-15",
    custody: Sequence[Mapping[str, Any]] = (),
    merged_into: str | None = None,
    keys: str = CITIZENS_KEYS,
) -> Message:
    record = {
        "citizen_id": citizen,
        "cpr_kind": "cpr",
        "name": {"given": given, "family": family},
        "birth_date": birth_date,
        "address": None
        if protected
        else {
            "street": "Hemmeligvej 7",
            "suburb": None,
            "postcode": "8900",
            "district": "Randers C",
        },
        "protected": protected,
        "phone": phone,
        "email": email,
        "language": language,
        "deceased": deceased,
        "relatives": [
            {"name": "Lonni Test Lauridsen", "phone": "+447700900105", "relation": None},
            *custody,
        ],
        "gp": None,
        "version": version,
        "merged_into": merged_into,
    }
    sealed = seal_record(Vault(keys), new_data_key(), json.dumps(record).encode(), citizen)
    return an_event("citizen.recorded", sealed, topic="citizens", key=citizen, subject=citizen)


def an_erasure(citizen: str = RUDDI) -> Message:
    return an_event("citizen.recorded", None, topic="citizens", key=citizen, subject=citizen)
