-- Who does what by when for a citizen, and what the citizen consents to
-- depends: 0010_dialogue

-- migrate: apply

CREATE TABLE action_items (
    item_id text PRIMARY KEY,
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    words bytea NOT NULL,
    owner text NOT NULL,
    unit text NOT NULL,
    due date NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'done', 'dropped')),
    said_by text NOT NULL,
    said_at timestamptz NOT NULL
);
CREATE INDEX action_items_referral ON action_items (referral_id);
COMMENT ON COLUMN action_items.words IS 'What is to be done, sealed under the item''s id';

CREATE TABLE consents (
    referral_id text NOT NULL REFERENCES referrals ON DELETE CASCADE,
    subject text NOT NULL,
    given boolean NOT NULL,
    said_by text NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, subject)
);

-- migrate: rollback

DROP TABLE consents, action_items;
