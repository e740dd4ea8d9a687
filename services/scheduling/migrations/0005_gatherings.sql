-- Sessions that several citizens share, and sessions that several lead.
-- depends: 0004_attendance

-- migrate: apply
ALTER TABLE session
    ADD COLUMN gathering text,
    ADD COLUMN seat int NOT NULL DEFAULT 1,
    ADD COLUMN seats int NOT NULL DEFAULT 1,
    ADD COLUMN company text[],
    ADD COLUMN assists uuid,
    ADD CONSTRAINT no_seat_past_the_cap CHECK (seat BETWEEN 1 AND seats);
COMMENT ON COLUMN session.gathering IS
    'Rows of one gathering share place, time and staff; its name is made from these';
COMMENT ON COLUMN session.assists IS
    'The session that somebody leads beside its therapist: the row books that somebody alone';

ALTER TABLE session
    DROP CONSTRAINT no_therapist_twice,
    DROP CONSTRAINT no_room_twice,
    ADD CONSTRAINT no_therapist_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || therapist, 0) WITH =, during WITH &&,
        hashtextextended(coalesce(gathering, session_id::text), 0) WITH <>)
        WHERE (status = 'offered'),
    ADD CONSTRAINT no_room_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || location || '/' || room, 0) WITH =, during WITH &&,
        hashtextextended(coalesce(gathering, session_id::text), 0) WITH <>)
        WHERE (status = 'offered');
CREATE UNIQUE INDEX session_seat ON session (gathering, seat)
    WHERE status = 'offered' AND gathering IS NOT NULL AND assists IS NULL;
CREATE INDEX session_assists ON session (assists) WHERE assists IS NOT NULL;
DROP INDEX session_one_per_order;
CREATE UNIQUE INDEX session_one_per_order ON session (order_id)
    WHERE status = 'offered' AND assists IS NULL;

CREATE OR REPLACE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at, o.not_before, o.declined, s.accepted,
       s.attendance, s.company, s.gathering, s.seat, s.seats
FROM placed_order o
LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered' AND s.assists IS NULL;

-- migrate: rollback
DROP VIEW order_state;
CREATE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at, o.not_before, o.declined, s.accepted,
       s.attendance
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';
DELETE FROM session WHERE assists IS NOT NULL;
UPDATE session SET status = 'cancelled' WHERE seat > 1 AND status = 'offered';
ALTER TABLE session
    DROP CONSTRAINT no_therapist_twice,
    DROP CONSTRAINT no_room_twice;
DROP INDEX session_one_per_order;
DROP INDEX session_seat;
ALTER TABLE session
    DROP COLUMN gathering, DROP COLUMN seat, DROP COLUMN seats, DROP COLUMN company,
    DROP COLUMN assists;
ALTER TABLE session
    ADD CONSTRAINT no_therapist_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || therapist, 0) WITH =, during WITH &&)
        WHERE (status = 'offered'),
    ADD CONSTRAINT no_room_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || location || '/' || room, 0) WITH =, during WITH &&)
        WHERE (status = 'offered');
CREATE UNIQUE INDEX session_one_per_order ON session (order_id) WHERE status = 'offered';
