-- What citizens answer: times that they declined, the day before which none suits, and consent.
-- depends: 0002_citizen

-- migrate: apply
ALTER TABLE placed_order
    ADD COLUMN not_before date,
    ADD COLUMN declined jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT placed_order_status_check,
    ADD CONSTRAINT placed_order_status_check
        CHECK (status IN ('waiting', 'booked', 'late', 'held', 'closed'));
ALTER TABLE session ADD COLUMN accepted boolean NOT NULL DEFAULT false;

CREATE OR REPLACE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at, o.not_before, o.declined, s.accepted
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';

-- migrate: rollback
DROP VIEW order_state;
CREATE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';
ALTER TABLE session DROP COLUMN accepted;
UPDATE placed_order SET status = 'waiting' WHERE status = 'held';
ALTER TABLE placed_order
    DROP COLUMN not_before,
    DROP COLUMN declined,
    DROP CONSTRAINT placed_order_status_check,
    ADD CONSTRAINT placed_order_status_check
        CHECK (status IN ('waiting', 'booked', 'late', 'closed'));
