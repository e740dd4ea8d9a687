-- Who came to a session; orders of referrals that rest.
-- depends: 0003_answers

-- migrate: apply
ALTER TABLE placed_order
    DROP CONSTRAINT placed_order_status_check,
    ADD CONSTRAINT placed_order_status_check
        CHECK (status IN ('waiting', 'booked', 'late', 'held', 'paused', 'closed'));
ALTER TABLE session ADD COLUMN attendance jsonb;

CREATE OR REPLACE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at, o.not_before, o.declined, s.accepted,
       s.attendance
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';

-- migrate: rollback
DROP VIEW order_state;
CREATE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at, o.not_before, o.declined, s.accepted
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';
ALTER TABLE session DROP COLUMN attendance;
UPDATE placed_order SET status = 'held' WHERE status = 'paused';
ALTER TABLE placed_order
    DROP CONSTRAINT placed_order_status_check,
    ADD CONSTRAINT placed_order_status_check
        CHECK (status IN ('waiting', 'booked', 'late', 'held', 'closed'));
