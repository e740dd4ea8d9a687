"""SQL on forms that were asked and answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.referral.evaluation.evaluation import Answered
from services.referral.evaluation.wire import EvaluationAnswered, EvaluationAsked
from services.referral.programme_terms import Moment

if TYPE_CHECKING:
    from shared.database import Connection, Row


async def ask(conn: Connection, asked: EvaluationAsked) -> bool:
    """Writes that a form is asked; False where it was asked before."""
    row = await conn.fetchval(
        """INSERT INTO evaluations (evaluation_id, referral_id, provider, programme, form, moment,
                                    asked_at, code)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true""",
        asked.evaluation_id,
        asked.referral_id,
        asked.provider,
        asked.programme,
        asked.form,
        asked.moment,
        asked.at,
        asked.code or None,
    )
    return bool(row)


async def found(conn: Connection, which: str, form: str | None) -> list[Row]:
    """The form that was asked by its id, or the forms of a citizen's code."""
    return await conn.fetch(
        """SELECT * FROM evaluations
           WHERE (evaluation_id = $1 OR code = upper($1)) AND ($2::text IS NULL OR form = $2)
           ORDER BY form""",
        which,
        form,
    )


async def answer(conn: Connection, answered: EvaluationAnswered) -> bool:
    """Writes an answer, unless a newer one stands; False where it was never asked."""
    known = await conn.fetchval(
        """UPDATE evaluations SET
               answers = CASE WHEN newer THEN $2 ELSE answers END,
               score = CASE WHEN newer THEN $3 ELSE score END,
               answered_by = CASE WHEN newer THEN $4 ELSE answered_by END,
               answered_at = CASE WHEN newer THEN $5 ELSE answered_at END
           FROM (SELECT evaluation_id AS id,
                        answered_at IS NULL OR answered_at <= $5 AS newer
                 FROM evaluations WHERE evaluation_id = $1 FOR UPDATE) AS was
           WHERE evaluation_id = was.id RETURNING true""",
        answered.evaluation_id,
        list(answered.answers),
        answered.score,
        answered.by,
        answered.at,
    )
    return bool(known)


async def asked(
    conn: Connection,
    providers: Sequence[str] | None,
    referral_id: str | None,
    code: str | None,
    most: int,
) -> list[Row]:
    """Forms that wait for an answer, or all of a referral or a code; None: of all providers."""
    return await conn.fetch(
        """SELECT evaluation_id, referral_id, provider, programme, form, moment, asked_at,
                  answered_at, score
           FROM evaluations
           WHERE ($1::text[] IS NULL OR provider = ANY($1))
             AND (coalesce($2, $3) IS NULL AND answered_at IS NULL
                  OR referral_id = $2 OR code = upper($3))
           ORDER BY asked_at, evaluation_id LIMIT $4""",
        providers,
        referral_id,
        code,
        most,
    )


async def answers(
    conn: Connection, providers: Sequence[str] | None, since: datetime | None
) -> list[Answered]:
    """All answers, for the figures."""
    rows = await conn.fetch(
        """SELECT referral_id, programme, form, moment, score FROM evaluations
           WHERE answered_at IS NOT NULL AND ($1::text[] IS NULL OR provider = ANY($1))
             AND ($2::timestamptz IS NULL OR asked_at >= $2)""",
        providers,
        since,
    )
    return [
        Answered(
            whose=row["referral_id"],
            programme=row["programme"],
            form=row["form"],
            moment=Moment(row["moment"]),
            score=row["score"],
        )
        for row in rows
    ]


async def courses(conn: Connection, providers: Sequence[str] | None) -> dict[str, dict[str, int]]:
    """How many referrals to each programme wait, are under way, and have ended how.

    Who was entered in error was never referred.
    """
    rows = await conn.fetch(
        """SELECT coalesce(o.programme, r.programme) AS programme,
                  count(*) FILTER (WHERE r.closed IS NULL AND r.started_on IS NULL) AS waiting,
                  count(*) FILTER (WHERE r.closed IS NULL AND r.started_on IS NOT NULL)
                    AS under_way,
                  count(*) FILTER (WHERE r.closed IN ('completed', 'self-directed')) AS completed,
                  count(*) FILTER (WHERE r.closed NOT IN ('completed', 'self-directed')) AS ended
           FROM referrals r
           LEFT JOIN LATERAL (SELECT convert_from(state, 'UTF8')::jsonb ->> 'programme' AS programme
                              FROM orders
                              WHERE referral_id = r.referral_id
                              ORDER BY ordinal DESC LIMIT 1) o ON true
           WHERE coalesce(o.programme, r.programme) IS NOT NULL
             AND r.closed IS DISTINCT FROM 'entered-in-error'
             AND ($1::text[] IS NULL OR r.provider = ANY($1))
           GROUP BY 1 ORDER BY 1""",
        providers,
    )
    names = ("waiting", "under_way", "completed", "ended")
    return {row["programme"]: {name: row[name] for name in names} for row in rows}
