-- Care communication with hospitals, threaded on referrals
-- depends: 0009_rights

-- migrate: apply

CREATE TABLE threads (
    thread_id text PRIMARY KEY,
    hospital text NOT NULL,
    thread text NOT NULL,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    municipality text NOT NULL,
    category text NOT NULL,
    department_sor text NOT NULL,
    department_ean text,
    department_name text NOT NULL,
    topic bytea NOT NULL,
    newest_document text,
    unread_since timestamptz,
    opened_at timestamptz NOT NULL,
    UNIQUE (hospital, thread)
);
CREATE INDEX threads_referral ON threads (referral_id);
CREATE INDEX threads_unread ON threads (unread_since) WHERE unread_since IS NOT NULL;
COMMENT ON COLUMN threads.thread IS 'MedCom''s id of the thread, the same in all its messages';
COMMENT ON COLUMN threads.topic IS 'What the thread is about, sealed';
COMMENT ON COLUMN threads.unread_since IS 'When the oldest message came that nobody here has read';

CREATE TABLE posts (
    thread_id text NOT NULL REFERENCES threads ON DELETE CASCADE,
    post_id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    document_id text NOT NULL,
    step text NOT NULL CHECK (step IN ('new', 'reply', 'forward')),
    ours boolean NOT NULL,
    written_at timestamptz NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (thread_id, post_id)
);
COMMENT ON COLUMN posts.sealed IS 'Author and text, or what an attachment was called that was not taken';

-- migrate: rollback

DROP TABLE posts, threads;
