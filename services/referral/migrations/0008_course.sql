-- What was held of a course, when it started, and the GP who hears of it
-- depends: 0007_evaluation

-- migrate: apply

CREATE TABLE attendances (
    session_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    step_id text NOT NULL,
    start timestamptz NOT NULL,
    attended boolean NOT NULL,
    said_at timestamptz NOT NULL
);
CREATE INDEX attendances_referral ON attendances (referral_id, start);

ALTER TABLE referrals ADD COLUMN started_on date;
ALTER TABLE referrals ADD COLUMN gp text;
ALTER TABLE referrals DROP CONSTRAINT referrals_closed_check;
ALTER TABLE referrals ADD CONSTRAINT referrals_closed_check CHECK (closed IN
    ('revoked', 'entered-in-error', 'deceased', 'completed', 'self-directed', 'stopped'));
COMMENT ON COLUMN referrals.started_on IS 'Local day of the first session that the citizen attended';
COMMENT ON COLUMN referrals.gp IS 'EAN of the GP who gets a copy; null where the citizen deselected it';

-- migrate: rollback

ALTER TABLE referrals DROP CONSTRAINT referrals_closed_check;
ALTER TABLE referrals ADD CONSTRAINT referrals_closed_check
    CHECK (closed IN ('revoked', 'entered-in-error', 'deceased'));
ALTER TABLE referrals DROP COLUMN gp, DROP COLUMN started_on;
DROP TABLE attendances;
