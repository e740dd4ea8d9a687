-- What the probe has seen: how often each value was applied, and in which order
-- depends:

-- migrate: apply

CREATE TABLE seen (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    value text NOT NULL,
    process text NOT NULL
);
CREATE TABLE facts (name text PRIMARY KEY);

-- migrate: rollback

DROP TABLE seen, facts;
