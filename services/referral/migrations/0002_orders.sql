-- The order of each referral as it was last placed: what a change, a pause or a hand-over begins from
-- depends: 0001_referral

-- migrate: apply

CREATE TABLE orders (
    order_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    ordinal int NOT NULL CHECK (ordinal >= 1),
    provider text NOT NULL,
    state bytea NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (referral_id, ordinal)
);
COMMENT ON COLUMN orders.state IS 'The whole order as JSON: no name, no address, no number of anybody';

-- migrate: rollback

DROP TABLE orders;
