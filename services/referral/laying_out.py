"""Lays on the desk what hospitals' messages need beside referrals: stays, threads, orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from services.referral import store_dialogue, store_orders, store_stays
from services.referral.arrival import Arrival, Readable
from services.referral.desk import Desk
from services.referral.dialogue import CareMessage
from services.referral.plan import Plan, Purpose, Unreadable
from services.referral.request import Request
from services.referral.stay import HospitalNotification

if TYPE_CHECKING:
    from shared.database import Connection


async def lay_out_messages(
    conn: Connection, desk: Desk, arrivals: Sequence[Arrival], referrals: Iterable[str]
) -> None:
    """Loads orders, stays and threads where any document is about them; new plans are not."""
    if any(_changes_what_is_here(one.reading) for one in arrivals):
        desk.orders = await store_orders.newest_orders(conn, referrals)
    patients = {
        citizen.citizen_id
        for one in arrivals
        if isinstance(one.reading, HospitalNotification)
        and (citizen := desk.citizens.get(desk.former.get(one.cpr_hash, one.cpr_hash))) is not None
    }
    if patients:
        desk.stays = await store_stays.stay_messages(conn, patients)
    spoken = {
        (one.hospital.sor, one.reading.thread)
        for one in arrivals
        if isinstance(one.reading, CareMessage)
    }
    if spoken:
        desk.threads = await store_dialogue.threads(conn, spoken)
        written = {one.thread_id for one in desk.threads.values()}
        for posts in (await store_dialogue.posts_of(conn, written)).values():
            desk.posts |= {(one.thread_id, one.post_id): one for one in posts}


def _changes_what_is_here(reading: Readable | Unreadable) -> bool:
    """Whether it is about a referral that is there: new plans are most, and need no old orders."""
    if isinstance(reading, Plan | Request):
        return reading.purpose is Purpose.CORRECTION
    return isinstance(reading, HospitalNotification)
