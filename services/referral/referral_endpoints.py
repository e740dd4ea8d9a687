"""Referrals over HTTP: which ones a member of staff works with, and how far each has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.referral import store_citizens, store_course, store_orders
from services.referral.carrying_out import Decided
from services.referral.course import held
from services.referral.events import zulu
from services.referral.identity import step_id
from services.referral.store_citizens import Access
from shared.endpoints import Call, Endpoint, Refused

if TYPE_CHECKING:
    from services.referral.course import Attendance
    from services.referral.order import Order
    from shared.database import Row
    from shared.handling import Unit

LISTED: Final = 500
"""So many rows are listed at once."""
READERS: Final = frozenset({"desk", "planner", "therapist"})

_REFERRALS: Final = """
SELECT r.*, (SELECT min(s.starts_at) FROM sessions s
             WHERE s.referral_id = r.referral_id AND NOT s.cancelled AND s.starts_at > $1) AS next,
       (SELECT count(*) FROM worklist w
        WHERE w.referral_id = r.referral_id AND w.closed_at IS NULL) AS work
FROM referrals r
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrals:
    """The endpoints of referrals."""

    decided: Decided

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(method="GET", path="/referrals", handler=self.list, roles=READERS),
            Endpoint(method="GET", path="/referrals/{id}", handler=self.show, roles=READERS),
        )

    async def list(self, unit: Unit, call: Call) -> object:
        """The member's open referrals, the nearest limit first; nobody is named.

        `?closed=1` gives those that have ended, the newest first; at most `LISTED`.
        """
        closed = call.query.get("closed", "") not in {"", "0"}
        order = "r.changed_at DESC" if closed else "r.limit_date NULLS LAST, r.received_at"
        rows = await unit.conn.fetch(
            f"""{_REFERRALS} WHERE (r.closed IS NOT NULL) = $2
                AND ($3::text[] IS NULL OR r.municipality = ANY($3) OR r.provider = $4)
                ORDER BY {order}, r.referral_id LIMIT $5""",
            unit.now,
            closed,
            self.decided.municipalities_of(call),
            call.staff.provider,
            LISTED,
        )
        return [_referral(row) for row in rows]

    async def show(self, unit: Unit, call: Call) -> object:
        """One referral with its order, what was held of it, its sessions and its open work."""
        row = await self.row(unit, call)
        id_ = row["referral_id"]
        order = (await store_orders.newest_orders(unit.conn, [id_])).get(id_)
        known = (await store_course.attendances(unit.conn, [id_])).get(id_, [])
        sessions = await unit.conn.fetch(
            """SELECT session_id, starts_at, place, cancelled FROM sessions
               WHERE referral_id = $1 ORDER BY starts_at""",
            id_,
        )
        work = await unit.conn.fetch(
            """SELECT entry_id, reason, about, opened_at FROM worklist
               WHERE referral_id = $1 AND closed_at IS NULL ORDER BY opened_at""",
            id_,
        )
        access = Access(
            actor=f"staff:{call.staff.id}",
            action="referral.show",
            citizen_id=row["citizen_id"],
            cause=call.id,
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)
        came = {one.session_id: one.attended for one in known}
        return {
            **_referral(row),
            "order": _order(order.order, known) if order is not None else None,
            "sessions": [
                {
                    "session_id": one["session_id"],
                    "start": zulu(one["starts_at"]),
                    "location": one["place"],
                    "cancelled": one["cancelled"],
                    "attended": came.get(one["session_id"]),
                }
                for one in sessions
            ],
            "worklist": [{**one, "opened_at": zulu(one["opened_at"])} for one in work],
        }

    async def row(self, unit: Unit, call: Call) -> Row:
        """The referral that a call names. Raises Refused where it is nobody's of the member's."""
        row = await unit.conn.fetchrow(
            f"{_REFERRALS} WHERE r.referral_id = $2", unit.now, call.path["id"]
        )
        mine = self.decided.municipalities_of(call)
        if row is None or not (
            mine is None or row["municipality"] in mine or call.staff.works_for(row["provider"])
        ):
            raise Refused(404, "no referral of yours has this id")
        return row


def state_of(row: Row) -> str:
    """Where a referral stands, in one word."""
    if row["closed"] is not None:
        return str(row["closed"])
    if row["paused_at"] is not None:
        return "paused"
    if row["started_on"] is not None:
        return "started"
    if row["next"] is not None:
        return "offered"
    if row["free_choice"] is not None:
        return "free-choice"
    return "waiting" if row["order_stands"] else "noted"


def _referral(row: Row) -> Mapping[str, Any]:
    return {
        "referral_id": row["referral_id"],
        "state": state_of(row),
        "municipality": row["municipality"],
        "provider": row["provider"],
        "type": row["type"],
        "discharge_date": row["discharge_date"],
        "later_start": row["later_start"],
        "received_at": zulu(row["received_at"]),
        "limit": row["limit_date"],
        "free_choice": row["free_choice"],
        "started_on": row["started_on"],
        "next_session": zulu(row["next"]) if row["next"] else None,
        "open_work": row["work"],
    }


def _order(order: Order, known: Sequence[Attendance]) -> Mapping[str, Any]:
    done, planned = held(order, known)
    steps = []
    for number, step in enumerate(order.steps, start=1):
        mine = [one for one in known if one.step_id == step_id(order.order_id, number)]
        steps.append(
            {
                "step_id": step_id(order.order_id, number),
                "kind": step.kind,
                "name": {"da": step.name.da, "en": step.name.en},
                "count": step.count,
                "minutes": step.minutes,
                "attended": sum(one.attended for one in mine),
                "missed": sum(not one.attended for one in mine),
            }
        )
    return {
        "order_id": order.order_id,
        "programme": order.programme,
        "earliest": order.earliest,
        "limit": order.limit,
        "vulnerable": order.vulnerable,
        "sessions_held": done,
        "sessions_planned": planned,
        "steps": steps,
    }
