-- Numbers that citizens had before: a new CPR, or a CPR in the place of a replacement
-- depends: 0011_action_plan

-- migrate: apply

CREATE TABLE former_numbers (
    cpr_hash bytea PRIMARY KEY,
    citizen_id text NOT NULL REFERENCES citizens ON DELETE CASCADE,
    since timestamptz NOT NULL
);
CREATE INDEX former_numbers_citizen ON former_numbers (citizen_id);
COMMENT ON TABLE former_numbers IS 'By their keyed hashes; whoever still writes one finds its citizen';

-- migrate: rollback

DROP TABLE former_numbers;
