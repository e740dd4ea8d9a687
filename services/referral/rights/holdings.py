"""Where a citizen's data lies in this service's database, and what an erasure does there.

A table that names a citizen or a referral is found by its columns, so an export lacks none, also
not one that is added later. What is sealed has to be told how it opens; a test holds that nothing
sealed is forgotten here, and that each is decided for an erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from shared.crypto import Unreadable, Vault

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed column: the column that is its context, and whether JSON or text lies in it.

    `own`: it opens under the citizen's own key. An erasure overwrites what lies in it, by `blank`.
    """

    context: str
    json: bool = True
    own: bool = False

    @property
    def blank(self) -> bytes:
        """Nothing, in the form that its readers expect."""
        return b"{}" if self.json else b""


Open = Callable[[bytes, str], bytes]
"""Opens sealed bytes by their context. Raises Unreadable."""

# (table, column): how it opens with the service's vault; None: nothing for a reader lies in it.
SEALED: Final[Mapping[tuple[str, str], Sealed | None]] = {
    ("citizens", "cpr_hash"): None,
    ("citizens", "data_key"): None,
    ("citizens", "record"): None,  # opens under the citizen's own key; see `export`
    ("citizens", "cpr_sealed"): Sealed(context="citizen_id", json=False),
    ("former_numbers", "cpr_hash"): None,
    ("merged_citizens", "cpr_hash"): None,
    ("referrals", "details"): Sealed(context="referral_id"),
    ("documents", "content_hash"): None,
    ("documents", "receipt"): None,  # what its sender was answered: names nobody
    ("threads", "topic"): Sealed(context="thread_id", json=False),
    ("posts", "sealed"): Sealed(context="thread_id"),
    ("action_items", "words"): Sealed(context="item_id", json=False),
    ("worklist", "remark"): Sealed(context="entry_id", json=False),
    ("assessments", "sealed"): Sealed(context="assessment_id", own=True),
}
PLAIN_BYTES: Final = frozenset({("orders", "state")})
"""Columns of bytes that hold JSON as it is."""
THROUGH: Final[Mapping[str, tuple[str, str]]] = {"posts": ("thread_id", "threads")}
"""Tables that name neither, but a row of another one that does: by which column, and which."""
APART: Final = frozenset({"access_log", "citizens"})
"""Tables that an export shows in a way of its own."""

_TABLES: Final = """
SELECT c.table_name, array_agg(c.column_name::text) AS columns
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
GROUP BY c.table_name ORDER BY c.table_name
"""


async def tables(conn: Connection) -> dict[str, str]:
    """The tables that name a citizen or a referral, and the column by which they do."""
    found: dict[str, str] = {}
    for row in await conn.fetch(_TABLES):
        for column in ("citizen_id", "referral_id"):
            if column in row["columns"]:
                found[row["table_name"]] = column
                break
    return found


async def rows_of(
    conn: Connection, vault: Vault, citizen_id: str, referral_ids: list[str], own: Open
) -> dict[str, list[dict[str, Any]]]:
    """All rows about a citizen by table, opened; empty tables are left out.

    `own` opens what lies under the citizen's own key, by its context.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for table, column in (await tables(conn)).items():
        if table in APART:
            continue
        wanted = [citizen_id] if column == "citizen_id" else referral_ids
        rows = await conn.fetch(
            f'SELECT * FROM "{table}" WHERE "{column}" = ANY($1::text[])',  # noqa: S608 - own names
            wanted,
        )
        if rows:
            found[table] = [_opened(vault, table, row, own) for row in rows]
    for table, (column, other) in THROUGH.items():
        named = [row[column] for row in found.get(other, ())]
        rows = await conn.fetch(
            f'SELECT * FROM "{table}" WHERE "{column}" = ANY($1::text[])',  # noqa: S608 - own names
            named,
        )
        if rows:
            found[table] = [_opened(vault, table, row, own) for row in rows]
    return found


def _opened(vault: Vault, table: str, row: Row, own: Open) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for column, value in row.items():
        if not isinstance(value, bytes):
            shown[column] = value
        elif (table, column) in PLAIN_BYTES:
            shown[column] = orjson.loads(value)
        elif (how := SEALED.get((table, column))) is not None:
            opener = own if how.own else vault.open
            shown[column] = _open(opener, value, str(row[how.context]), how)
    return shown


def _open(opener: Open, value: bytes, context: str, how: Sealed) -> Any:
    try:
        plain = opener(value, context)
    except Unreadable:
        return "can't be opened: its key is not configured"
    return orjson.loads(plain) if how.json else plain.decode()
