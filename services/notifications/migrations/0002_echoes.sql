-- What our own topic says of messages that this database does not know, or has forgotten.
-- depends: 0001_messages

-- migrate: apply

-- A database restored from a backup makes yesterday's messages anew; the log says that they
-- were sent. Empty in a database that was never restored.
CREATE TABLE echo (
    notification_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('sent', 'failed', 'uncertain')),
    reason text,
    channel text,
    at timestamptz NOT NULL
);

-- Finds what is to be forgotten.
CREATE INDEX message_past ON message (expires_at) WHERE facts <> '{}';

-- migrate: rollback

DROP INDEX message_past;
DROP TABLE echo;
