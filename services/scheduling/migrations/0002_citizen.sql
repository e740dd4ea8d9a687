-- A citizen is never in two sessions at once, also not at two providers.
-- depends: 0001_sessions

-- migrate: apply
ALTER TABLE session ADD COLUMN citizen_id text;
COMMENT ON COLUMN session.citizen_id IS
    'Null only where the session was booked before this rule and overlaps another of the citizen''s';

UPDATE session s SET citizen_id = o.body ->> 'citizen_id'
FROM placed_order o WHERE o.order_id = s.order_id;
UPDATE session a SET citizen_id = NULL
WHERE a.status = 'offered' AND EXISTS (
    SELECT FROM session b
    WHERE b.status = 'offered' AND b.citizen_id = a.citizen_id AND b.during && a.during
      AND b.session_id < a.session_id);

ALTER TABLE session ADD CONSTRAINT no_citizen_twice EXCLUDE USING gist (
    hashtextextended(citizen_id, 0) WITH =, during WITH &&) WHERE (status = 'offered');
CREATE INDEX session_citizen ON session (citizen_id) WHERE status = 'offered';

-- migrate: rollback
ALTER TABLE session DROP COLUMN citizen_id;
