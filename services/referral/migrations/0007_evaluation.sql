-- Forms that programmes ask and what was answered; how many just came
-- depends: 0006_grounds

-- migrate: apply

CREATE TABLE evaluations (
    evaluation_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    provider text NOT NULL,
    programme text NOT NULL,
    form text NOT NULL,
    moment text NOT NULL CHECK (moment IN ('before', 'after', 'six-months')),
    asked_at timestamptz NOT NULL,
    answers int[],
    score double precision,
    answered_by text,
    answered_at timestamptz,
    CHECK ((answered_at IS NULL) = (answers IS NULL)),
    CHECK ((answered_at IS NULL) = (score IS NULL))
);
CREATE INDEX evaluations_referral ON evaluations (referral_id);
CREATE INDEX evaluations_open ON evaluations (asked_at) WHERE answered_at IS NULL;

CREATE TABLE drop_ins (
    provider text NOT NULL,
    programme text NOT NULL,
    day date NOT NULL,
    place text NOT NULL,
    visitors int NOT NULL CHECK (visitors >= 0),
    counted_by text NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (provider, programme, day, place)
);
COMMENT ON TABLE drop_ins IS 'Numbers alone: who comes without a referral is not named anywhere';

-- migrate: rollback

DROP TABLE drop_ins, evaluations;
