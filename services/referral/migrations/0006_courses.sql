-- Who came to which session, and which courses have started and ended
-- depends: 0005_worklist

-- migrate: apply

CREATE TABLE attendance (
    session_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    order_id text NOT NULL,
    step_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    attended boolean NOT NULL,
    said_at timestamptz NOT NULL
);
CREATE INDEX attendance_referral ON attendance (referral_id);

CREATE TABLE courses (
    referral_id text PRIMARY KEY REFERENCES referrals ON DELETE CASCADE,
    programme text NOT NULL,
    provider text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    CHECK (started_at IS NOT NULL OR ended_at IS NULL)
);
CREATE INDEX courses_programme ON courses (programme);
COMMENT ON COLUMN courses.started_at IS 'Start of the first session that the citizen came to';
COMMENT ON COLUMN courses.ended_at IS 'Start of the last step''s last session';

-- migrate: rollback

DROP TABLE courses, attendance;
