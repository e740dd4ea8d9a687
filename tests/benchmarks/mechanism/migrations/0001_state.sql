-- What all contestants keep
-- depends:

-- migrate: apply

CREATE TABLE state (key text PRIMARY KEY, version bigint NOT NULL, value bytea);
CREATE TABLE inbox (id text PRIMARY KEY);

-- migrate: rollback

DROP TABLE state, inbox;
