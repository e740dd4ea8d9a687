-- The runtime's tables: positions, inbox, outbox, timers and what failed
-- depends:

-- migrate: apply

CREATE TABLE runtime.offsets (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE runtime.offsets IS
    'Where reading goes on. Moved in the transaction that applies the records; fences a zombie.';

CREATE TABLE runtime.inbox (
    key uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
CREATE INDEX inbox_age ON runtime.inbox USING brin (seen_at);
COMMENT ON COLUMN runtime.inbox.key IS
    '128-bit BLAKE2 of consumer, source and event id: a third of the size of the three, as distinct';

CREATE TABLE runtime.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    time timestamptz NOT NULL,
    content_type text NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    value bytea
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
ALTER TABLE runtime.outbox ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE FUNCTION runtime.wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER wake_relay AFTER INSERT ON runtime.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION runtime.wake_relay();

CREATE TABLE runtime.timers (
    kind text NOT NULL,
    key text NOT NULL,
    id uuid NOT NULL,
    due timestamptz NOT NULL,
    partition_key text NOT NULL,
    partition int NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX timers_due ON runtime.timers (due);

CREATE TABLE runtime.parked (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    waits_for text NOT NULL,
    held boolean NOT NULL,
    until timestamptz,
    retry_at timestamptz,
    attempt int NOT NULL,
    reason text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    parked_at timestamptz NOT NULL,
    cause text NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX parked_waiting ON runtime.parked (waits_for, id);
CREATE INDEX parked_due ON runtime.parked (retry_at) WHERE retry_at IS NOT NULL;
COMMENT ON COLUMN runtime.parked.held IS
    'Waits behind a dead letter of its subject, not for something that it asked for itself';

CREATE TABLE runtime.dead_letters (
    id uuid PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    handler text NOT NULL,
    reason text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    holds text NOT NULL,
    recorded_at timestamptz NOT NULL,
    size bigint NOT NULL,
    attempt int NOT NULL,
    cause text NOT NULL,
    sealed bytea,
    resolved_at timestamptz,
    resolution text CHECK (resolution IN ('replayed', 'discarded')),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    CHECK ((resolved_at IS NULL) = (sealed IS NOT NULL))
);
CREATE INDEX dead_letters_open ON runtime.dead_letters (recorded_at) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_source ON runtime.dead_letters (topic, recorded_at);

CREATE TABLE runtime.holds (
    subject text NOT NULL,
    dead_letter uuid NOT NULL REFERENCES runtime.dead_letters,
    since timestamptz NOT NULL,
    PRIMARY KEY (subject, dead_letter)
);

CREATE TABLE runtime.halts (
    topic text PRIMARY KEY,
    halted_at timestamptz,
    resumed_at timestamptz,
    faults int NOT NULL
);

-- migrate: rollback

DROP SCHEMA runtime CASCADE;
