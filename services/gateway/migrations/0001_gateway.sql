-- What was sent through the door, and the receipts that came back
-- depends:

-- migrate: apply

CREATE TABLE submissions (
    reference text PRIMARY KEY,
    principal text NOT NULL,
    answers_on text NOT NULL,
    way text NOT NULL CHECK (way IN ('http', 'drop')),
    submitted_at timestamptz NOT NULL,
    receipt bytea,
    receipt_type text,
    receipt_offset bigint,
    received_at timestamptz,
    CHECK ((receipt IS NULL) = (receipt_offset IS NULL)),
    CHECK ((receipt IS NULL) = (received_at IS NULL))
);
CREATE INDEX submissions_age ON submissions (submitted_at);
COMMENT ON TABLE submissions IS 'Never a document: those go to Kafka and nowhere else';
COMMENT ON COLUMN submissions.reference IS 'The correlation id that document and receipt carry';
COMMENT ON COLUMN submissions.receipt_offset IS 'A later receipt of a document takes its place';

-- migrate: rollback

DROP TABLE submissions;
