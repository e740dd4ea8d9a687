-- The rides that the transport office has ordered
-- depends:

-- migrate: apply

CREATE TABLE rides (
    session_id text PRIMARY KEY,
    citizen_id text NOT NULL,
    revision int NOT NULL,
    state text NOT NULL CHECK (state IN ('ordered', 'cancelled')),
    arrive_by timestamptz NOT NULL,
    return_at timestamptz NOT NULL,
    destination text NOT NULL
);

-- migrate: rollback

DROP TABLE rides;
