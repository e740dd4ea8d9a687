-- What hospitals say of the stays of citizens who have a referral; pauses and deaths
-- depends: 0002_orders

-- migrate: apply

CREATE TABLE stay_messages (
    hospital text NOT NULL,
    document_id text NOT NULL,
    citizen_id text NOT NULL REFERENCES citizens ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    stay text NOT NULL,
    event text NOT NULL,
    change text NOT NULL CHECK (change IN ('new', 'revised', 'cancelled')),
    previous text,
    started timestamptz NOT NULL,
    ended timestamptz,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (hospital, document_id)
);
CREATE INDEX stay_messages_citizen ON stay_messages (citizen_id, number);
COMMENT ON COLUMN stay_messages.number IS 'The order in which they came, which is that of corrections';
COMMENT ON COLUMN stay_messages.stay IS 'The hospital''s id of the whole stay';

ALTER TABLE referrals ADD COLUMN paused_at timestamptz;
ALTER TABLE referrals ADD COLUMN clock_from date;
ALTER TABLE referrals DROP CONSTRAINT referrals_closed_check;
ALTER TABLE referrals ADD CONSTRAINT referrals_closed_check
    CHECK (closed IN ('revoked', 'entered-in-error', 'deceased'));
COMMENT ON COLUMN referrals.paused_at IS 'Since when the clock stands still: the citizen is in hospital';
COMMENT ON COLUMN referrals.clock_from IS
    'The day of discharge from a readmission, from which the limit runs anew';

-- migrate: rollback

ALTER TABLE referrals DROP CONSTRAINT referrals_closed_check;
ALTER TABLE referrals ADD CONSTRAINT referrals_closed_check
    CHECK (closed IN ('revoked', 'entered-in-error'));
ALTER TABLE referrals DROP COLUMN clock_from, DROP COLUMN paused_at;
DROP TABLE stay_messages;
