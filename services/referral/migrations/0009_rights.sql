-- Erasure, and the access log by who looked
-- depends: 0008_course

-- migrate: apply

ALTER TABLE citizens ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN citizens.erased_at IS 'Since when nobody knows who this was';
CREATE INDEX citizens_age ON citizens (recorded_at) WHERE erased_at IS NULL;
CREATE INDEX access_log_actor ON access_log (actor, at);

-- migrate: rollback

DROP INDEX access_log_actor, citizens_age;
ALTER TABLE citizens DROP COLUMN erased_at;
