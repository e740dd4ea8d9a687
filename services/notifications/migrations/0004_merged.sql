-- Citizens who turned out to be somebody else: events that still name them are the other's
-- depends: 0003_custody

-- migrate: apply

CREATE TABLE merged_citizen (
    gone text PRIMARY KEY,
    kept text NOT NULL,
    version bigint NOT NULL,
    merged_at timestamptz NOT NULL
);

-- migrate: rollback

DROP TABLE merged_citizen;
