-- Providers, what they can offer, what they were asked for, and the sessions that were booked.
-- depends:

-- migrate: apply
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Locked by whoever decides for the provider. A process may trust what it remembers of a provider
-- only while `token` is the one that it wrote last.
CREATE TABLE provider (
    code text PRIMARY KEY,
    token uuid
);

-- What roster systems stated and was accepted: the newest version of each location-week.
CREATE TABLE accepted_capacity (
    provider text NOT NULL,
    location text NOT NULL,
    week text NOT NULL,
    version bigint NOT NULL,
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (provider, week, location)
);

-- What bookings are held against: the newest version of each location-week that was applied.
CREATE TABLE location_week (
    provider text NOT NULL,
    location text NOT NULL,
    week text NOT NULL,
    version bigint NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (provider, week, location)
);

CREATE TABLE placed_order (
    order_id text PRIMARY KEY,
    provider text NOT NULL,
    referral_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'booked', 'late', 'closed')),
    sessions int NOT NULL,
    told text,
    body jsonb NOT NULL
);
CREATE INDEX placed_order_referral ON placed_order (referral_id);
CREATE INDEX placed_order_open ON placed_order (provider) WHERE status IN ('waiting', 'late');

CREATE TABLE session (
    session_id uuid PRIMARY KEY,
    order_id text NOT NULL,
    provider text NOT NULL,
    ordinal int NOT NULL,
    status text NOT NULL CHECK (status IN ('offered', 'moving', 'cancelled')),
    location text NOT NULL,
    therapist text NOT NULL,
    room text,
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    revision int NOT NULL,
    limit_date date,
    inside_limit boolean NOT NULL,
    transport boolean NOT NULL,
    distance_m int,
    alternatives jsonb NOT NULL,
    reason text NOT NULL,
    offered_at timestamptz NOT NULL,
    -- By hashes, because GiST compares numbers at half the cost of texts. Equal names have equal
    -- hashes, so nothing double gets by; should two names ever share one, a booking is refused.
    CONSTRAINT no_therapist_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || therapist, 0) WITH =, during WITH &&)
        WHERE (status = 'offered'),
    CONSTRAINT no_room_twice EXCLUDE USING gist (
        hashtextextended(provider || '/' || location || '/' || room, 0) WITH =, during WITH &&)
        WHERE (status = 'offered')
);
CREATE UNIQUE INDEX session_one_per_order ON session (order_id) WHERE status = 'offered';
CREATE INDEX session_ahead ON session (provider, upper(during)) WHERE status = 'offered';

CREATE VIEW order_state AS
SELECT o.order_id, o.referral_id, o.provider, o.status, o.sessions, o.told, o.body, s.session_id,
       s.ordinal, s.location, s.therapist, s.room, lower(s.during) AS start,
       upper(s.during) AS finish, s.revision, s.limit_date, s.inside_limit, s.transport,
       s.distance_m, s.alternatives, s.reason, s.offered_at
FROM placed_order o LEFT JOIN session s ON s.order_id = o.order_id AND s.status = 'offered';

-- migrate: rollback
DROP VIEW order_state;
DROP TABLE session;
DROP TABLE placed_order;
DROP TABLE location_week;
DROP TABLE accepted_capacity;
DROP TABLE provider;
