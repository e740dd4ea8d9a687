-- Referrals and their clock, documents and receipts, citizens, the worklist and the access log
-- depends:

-- migrate: apply

CREATE TABLE citizens (
    citizen_id text PRIMARY KEY,
    cpr_hash bytea NOT NULL UNIQUE,
    cpr_sealed bytea NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    data_key bytea NOT NULL,
    record bytea NOT NULL,
    recorded_at timestamptz NOT NULL
);
COMMENT ON COLUMN citizens.cpr_hash IS 'HMAC of kind and number, under a key of its own';
COMMENT ON COLUMN citizens.data_key IS 'The citizen''s own key, wrapped by the master key';
COMMENT ON COLUMN citizens.record IS 'What was last published on citizens, sealed under data_key';

CREATE TABLE referrals (
    referral_id text PRIMARY KEY,
    citizen_id text NOT NULL REFERENCES citizens,
    hospital text NOT NULL,
    document_id text NOT NULL,
    municipality text NOT NULL,
    provider text NOT NULL,
    type text NOT NULL,
    discharge_date date NOT NULL,
    later_start date,
    received_at timestamptz NOT NULL,
    limit_date date,
    may_choose boolean NOT NULL,
    limit_known_at timestamptz NOT NULL,
    replaces text REFERENCES referrals,
    replaces_document text,
    order_id text UNIQUE,
    order_stands boolean NOT NULL,
    closed text CHECK (closed IN ('revoked', 'entered-in-error')),
    at_risk boolean NOT NULL,
    missed boolean NOT NULL,
    free_choice text CHECK (free_choice IN ('late-arrival', 'infeasible', 'limit-missed')),
    details bytea NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (hospital, document_id),
    CHECK (order_id IS NOT NULL OR NOT order_stands),
    CHECK (closed IS NULL OR NOT order_stands),
    CHECK (limit_date IS NOT NULL OR NOT (at_risk OR missed OR free_choice IS NOT NULL))
);
CREATE INDEX referrals_citizen ON referrals (citizen_id);
CREATE INDEX referrals_replaced ON referrals (hospital, replaces_document)
    WHERE replaces_document IS NOT NULL;
COMMENT ON COLUMN referrals.limit_date IS 'Last local day on which a first session is in time';
COMMENT ON COLUMN referrals.limit_known_at IS 'When the limit that holds now became known';
COMMENT ON COLUMN referrals.details IS
    'What the plan says beyond planning (diagnoses, deadline text), sealed: for the record''s keeper';

CREATE TABLE offered_days (
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    day date NOT NULL,
    PRIMARY KEY (referral_id, day)
);
COMMENT ON TABLE offered_days IS
    'Local days of every first session ever offered; one inside the limit stops the clock for good';

CREATE TABLE sessions (
    session_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    revision int NOT NULL,
    starts_at timestamptz NOT NULL,
    place text NOT NULL,
    cancelled boolean NOT NULL
);
CREATE INDEX sessions_referral ON sessions (referral_id);

CREATE TABLE documents (
    source text NOT NULL,
    document_id text NOT NULL,
    content_hash bytea NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'refused')),
    referral_id text REFERENCES referrals,
    receipt bytea NOT NULL,
    receipt_type text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (source, document_id)
);
ALTER TABLE documents ALTER COLUMN receipt SET STORAGE EXTERNAL;
COMMENT ON COLUMN documents.receipt IS 'zlib; given again to whoever sends the same document again';

CREATE TABLE waiting (
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    source text NOT NULL,
    document_id text NOT NULL,
    content_hash bytea NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, record_offset)
);
CREATE INDEX waiting_document ON waiting (source, document_id);
COMMENT ON TABLE waiting IS
    'Documents that are parked until their original comes, and have been answered so';

CREATE TABLE worklist (
    entry_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    reason text NOT NULL,
    about text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX worklist_referral ON worklist (referral_id);
CREATE INDEX worklist_open ON worklist (opened_at) WHERE closed_at IS NULL;

CREATE TABLE access_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    citizen_id text NOT NULL,
    cause text NOT NULL
);
CREATE INDEX access_log_citizen ON access_log (citizen_id, at);
CREATE INDEX access_log_age ON access_log USING brin (at);
COMMENT ON TABLE access_log IS 'Every reading and writing of a citizen''s data; only ever added to';

-- migrate: rollback

DROP TABLE access_log, worklist, waiting, documents, sessions, offered_days, referrals, citizens;
