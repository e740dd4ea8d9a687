-- Two citizens who turned out to be one: whose row is whose now, and how it is undone
-- depends: 0015_evaluation_codes

-- migrate: apply

CREATE TABLE merged_citizens (
    gone text PRIMARY KEY REFERENCES citizens,
    kept text NOT NULL REFERENCES citizens,
    cpr_hash bytea NOT NULL,
    filled text[] NOT NULL,
    decided_by text NOT NULL,
    merged_at timestamptz NOT NULL,
    CHECK (gone <> kept)
);
CREATE INDEX merged_citizens_kept ON merged_citizens (kept);
COMMENT ON TABLE merged_citizens IS 'cpr_hash: by which the citizen who is gone was found; filled: what the kept record took over';

ALTER TABLE referrals ADD COLUMN former_citizen text REFERENCES citizens;
ALTER TABLE stay_messages ADD COLUMN former_citizen text REFERENCES citizens;
ALTER TABLE former_numbers ADD COLUMN former_citizen text REFERENCES citizens;

-- migrate: rollback

ALTER TABLE former_numbers DROP COLUMN former_citizen;
ALTER TABLE stay_messages DROP COLUMN former_citizen;
ALTER TABLE referrals DROP COLUMN former_citizen;
DROP TABLE merged_citizens;
