"""A citizen's data in scheduling and notifications: for the staff of their own provider alone."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import orjson
import pytest

from services.notifications.rights import Rights
from services.scheduling import rights as planning
from shared.crypto import Vault
from shared.endpoints import Refused
from shared.staff import EVERYBODY, Member
from tests.conftest import Databases
from tests.staff import FAR_AWAY, a_call, asked
from tests.unit.notifications.factories import VAULT_KEYS
from tests.unit.referral.factories import NOW

LIS = Member(
    id="316-privacy", name="Lis Prøve", role="privacy", unit="Databeskyttelse", provider="316"
)
ALL = Member(id="all", name="Bo Prøve", role="privacy", unit="Drift", provider=EVERYBODY)
CITIZEN = "CITIZENCITIZENCITIZENCITIZ"

MESSAGE = """
INSERT INTO message (notification_id, cause, template, template_version, recipient, citizen_id,
    referral_id, provider, revision, first_contact, urgent, facts, status, created_at, due_at,
    expires_at, status_at, correlation_id, traceparent)
VALUES (gen_random_uuid(), 'c', 'offered', 1, 'citizen', $1, 'r', '316', 1, true, false, '{}',
    'sent', $2, $2, $2, $2, '', '')
"""


async def test_planning_shows_a_citizens_orders_to_their_own_provider(database: Databases) -> None:
    conn = await asyncpg.connect(await database("scheduling"))
    try:
        await conn.execute(
            """INSERT INTO placed_order (order_id, provider, referral_id, status, sessions, body)
               VALUES ('o', '316', 'r', 'waiting', 0, $1)""",
            orjson.dumps({"citizen_id": CITIZEN, "postcode": "4300"}).decode(),
        )
        call = a_call(LIS, path={"id": CITIZEN})
        answer = await asked(conn, planning.data, call, NOW)
        assert isinstance(answer.content, dict)
        assert answer.content["orders"][0]["body"]["postcode"] == "4300"
        with pytest.raises(Refused) as refused:
            await asked(conn, planning.data, a_call(FAR_AWAY, path={"id": CITIZEN}), NOW)
        assert refused.value.status == 404
        nobody = await asked(conn, planning.data, a_call(LIS, path={"id": "NOBODY"}), NOW)
        assert nobody.content == {
            "service": "scheduling",
            "citizen_id": "NOBODY",
            "orders": [],
            "sessions": [],
        }
    finally:
        await conn.close()


async def test_a_contact_is_opened_for_their_own_provider_and_on_record(
    database: Databases,
) -> None:
    conn, vault = await asyncpg.connect(await database("notifications")), Vault(VAULT_KEYS)
    rights = Rights(vault)
    try:
        await conn.execute(
            """INSERT INTO contact (citizen_id, sealed, version, has_email, has_mobile, deceased,
                                    updated_at) VALUES ($1, $2, 1, false, true, false, $3)""",
            CITIZEN,
            vault.seal(b'{"mobile":"+447700900101"}', CITIZEN),
            NOW,
        )
        await conn.execute(MESSAGE, CITIZEN, NOW)
        answer = await asked(conn, rights.data, a_call(LIS, path={"id": CITIZEN}), NOW)
        assert isinstance(answer.content, dict)
        assert answer.content["contact"] == {"mobile": "+447700900101"}
        assert [one["action"] for one in answer.content["access_log"]] == ["citizen.export"]
        with pytest.raises(Refused) as refused:
            await asked(conn, rights.data, a_call(FAR_AWAY, path={"id": CITIZEN}), NOW)
        assert refused.value.status == 404
        for staff, query, count in (
            (LIS, {"citizen": CITIZEN}, 1),
            (ALL, {"user": "316-privacy"}, 1),
            (FAR_AWAY, {"citizen": CITIZEN}, 0),
            (LIS, {"citizen": CITIZEN, "until": str((NOW - timedelta(days=9)).date())}, 0),
        ):
            log = await asked(conn, rights.log, a_call(staff, query=query), NOW)
            assert isinstance(log.content, list)
            assert len(log.content) == count, (staff.id, query)
        for wrong in ({}, {"user": "a", "since": "i går"}):
            with pytest.raises(Refused):
                await asked(conn, rights.log, a_call(LIS, query=wrong), NOW)
    finally:
        await conn.close()
