-- Of whom it has to be looked up, at each message, whether custody holders are told.
-- depends: 0002_echoes

-- migrate: apply

ALTER TABLE contact ADD COLUMN child boolean NOT NULL DEFAULT false;

-- migrate: rollback

ALTER TABLE contact DROP COLUMN child;
