"""SQL on assessments; the goals and all free text lie sealed under the citizen's own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from services.referral.assessment import Recorded
from services.referral.facts import AssessmentRecorded, Scores
from services.referral.programme_terms import Level
from services.referral.terms import Track

if TYPE_CHECKING:
    from shared.database import Connection, Row


async def rows_of(conn: Connection, referral_id: str) -> list[Row]:
    """All that is kept of a referral's assessments, the first one first."""
    return await conn.fetch(
        """SELECT * FROM assessments WHERE referral_id = $1 ORDER BY recorded_at, number""",
        referral_id,
    )


async def recorded(conn: Connection, referral_ids: Iterable[str]) -> dict[str, list[Recorded]]:
    """The assessments of these referrals, the first one first."""
    found: dict[str, list[Recorded]] = {}
    for row in await conn.fetch(
        """SELECT * FROM assessments WHERE referral_id = ANY($1::text[])
           ORDER BY recorded_at, number""",
        sorted(set(referral_ids)),
    ):
        found.setdefault(row["referral_id"], []).append(
            Recorded(
                assessment_id=row["assessment_id"],
                point=row["point"],
                scores=scores_of(row),
                level=Level(row["level"]) if row["level"] else None,
                track=Track(row["track"]),
            )
        )
    return found


def scores_of(row: Row) -> Scores:
    """The scores of a row."""
    return Scores(
        complexity=row["complexity"],
        resources=row["resources"],
        motivation=row["motivation"],
        readiness=row["readiness"],
    )


async def add_assessments(conn: Connection, rows: Sequence[AssessmentRecorded]) -> None:
    """Writes assessments; each is written once and never changed."""
    for r in rows:
        await conn.execute(
            """INSERT INTO assessments (assessment_id, referral_id, point, policy, complexity,
                   resources, motivation, readiness, level, proposed, track, with_citizen,
                   disputed, goals, sealed, decided_by, decided_role, decided_unit, previous,
                   recorded_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                       $18, $19, $20)
               ON CONFLICT (assessment_id) DO NOTHING""",
            r.assessment_id,
            r.referral_id,
            r.point,
            r.policy,
            r.scores.complexity,
            r.scores.resources,
            r.scores.motivation,
            r.scores.readiness,
            r.level,
            r.proposed,
            r.track,
            r.with_citizen,
            list(r.disputed),
            r.goals,
            r.sealed,
            r.by.id,
            r.by.role,
            r.by.unit,
            r.previous,
            r.at,
        )


async def asked_points(conn: Connection, referral_ids: Iterable[str]) -> dict[str, set[str]]:
    """The points at which these referrals have been up for re-assessment, or were assessed."""
    found: dict[str, set[str]] = {}
    for row in await conn.fetch(
        """SELECT referral_id, point FROM assessments WHERE referral_id = ANY($1::text[])
           UNION SELECT referral_id, about FROM worklist
           WHERE referral_id = ANY($1::text[]) AND reason = 'reassessment-due'""",
        sorted(set(referral_ids)),
    ):
        found.setdefault(row["referral_id"], set()).add(row["point"])
    return found
