-- Assessments of citizens' needs
-- depends: 0013_choice

-- migrate: apply

CREATE TABLE assessments (
    assessment_id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    point text NOT NULL,
    policy text NOT NULL,
    complexity smallint NOT NULL,
    resources smallint NOT NULL,
    motivation smallint NOT NULL,
    readiness smallint NOT NULL,
    level text CHECK (level IN ('basal', 'avanceret')),
    proposed text NOT NULL,
    track text NOT NULL,
    with_citizen boolean NOT NULL,
    disputed text[] NOT NULL,
    goals int NOT NULL,
    sealed bytea NOT NULL,
    decided_by text NOT NULL,
    decided_role text NOT NULL,
    decided_unit text NOT NULL,
    previous text,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX assessments_referral ON assessments (referral_id, recorded_at);
COMMENT ON COLUMN assessments.sealed IS
    'Goals in the citizen''s own words and all other free text, under the citizen''s own key: gone with it';

-- migrate: rollback

DROP TABLE assessments;
