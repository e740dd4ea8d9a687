-- What private suppliers carry out: their orders, and the sessions that they state.
-- depends: 0006_arrivals

-- migrate: apply
CREATE TABLE supplier_order (
    order_id text PRIMARY KEY,
    provider text NOT NULL,
    referral_id text NOT NULL,
    citizen_id text NOT NULL,
    standing text NOT NULL CHECK (standing IN ('stands', 'rests', 'declined', 'ended')),
    earliest date NOT NULL,
    limit_date date,
    body jsonb NOT NULL
);
CREATE INDEX supplier_order_referral ON supplier_order (referral_id);
CREATE INDEX supplier_order_citizen ON supplier_order (citizen_id);

CREATE TABLE supplier_session (
    order_id text NOT NULL,
    number int NOT NULL CHECK (number >= 1),
    session_id uuid NOT NULL UNIQUE,
    provider text NOT NULL,
    citizen_id text NOT NULL,
    ordinal int NOT NULL,
    revision int NOT NULL,
    said int NOT NULL,
    cancelled boolean NOT NULL,
    during tstzrange NOT NULL,
    place jsonb NOT NULL,
    offered_at timestamptz NOT NULL,
    attendance jsonb,
    PRIMARY KEY (order_id, number)
);
COMMENT ON COLUMN supplier_session.said IS 'The supplier''s own revision; ours counts what was told';
CREATE INDEX supplier_session_citizen ON supplier_session (citizen_id);

-- migrate: rollback
DROP TABLE supplier_session;
DROP TABLE supplier_order;
