-- What members of staff asked of the service over HTTP, and the answers that a repeated call gets
-- depends: 0001_runtime

-- migrate: apply

CREATE TABLE runtime.answers (
    key uuid PRIMARY KEY,
    request bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    sealed bytea
);
CREATE INDEX answers_age ON runtime.answers USING brin (answered_at);
COMMENT ON COLUMN runtime.answers.key IS
    'UUIDv5 of the member of staff, the endpoint and the idempotency key';
COMMENT ON COLUMN runtime.answers.request IS
    'SHA-256 of path and body: the same key with something else is refused';

CREATE TABLE runtime.staff_calls (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    at timestamptz NOT NULL,
    staff text NOT NULL,
    unit text NOT NULL,
    action text NOT NULL,
    about text[] NOT NULL,
    status int NOT NULL,
    cause uuid NOT NULL
);
CREATE INDEX staff_calls_staff ON runtime.staff_calls (staff, at);
CREATE INDEX staff_calls_about ON runtime.staff_calls USING gin (about);
COMMENT ON TABLE runtime.staff_calls IS
    'Who asked what and when, also where it was refused; `about` are the opaque ids of the path';

-- migrate: rollback

DROP TABLE runtime.staff_calls;
DROP TABLE runtime.answers;
