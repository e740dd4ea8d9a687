-- The portfolio register: which provider has which offer, and how far it has come
-- depends: 0003_stays

-- migrate: apply

CREATE TABLE portfolio (
    provider text NOT NULL,
    offer text NOT NULL,
    provider_name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('municipality', 'hospital', 'supplier')),
    offer_name text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('not-established', 'in-development', 'established', 'not-answered')),
    source text NOT NULL,
    day date,
    what text,
    opened text,
    to_whom text,
    instead text[] NOT NULL,
    survey text,
    stated_by text NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (provider, offer)
);
COMMENT ON COLUMN portfolio.instead IS 'Providers that take its orders by agreement, in this order';
COMMENT ON COLUMN portfolio.opened IS 'When it is open, or how long one waits, in words';

-- migrate: rollback

DROP TABLE portfolio;
