-- Contacts, messages and what decisions about them depend on.
-- depends:

-- migrate: apply

-- The only place with personal data: sealed under the vault's key, one row for each citizen.
-- The four flags let a message be decided without opening it.
CREATE TABLE contact (
    citizen_id text PRIMARY KEY,
    sealed bytea NOT NULL,
    version bigint NOT NULL,
    has_email boolean NOT NULL,
    has_mobile boolean NOT NULL,
    deceased boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

-- An erased citizen's messages must not wait for a contact that never comes.
CREATE TABLE erased_citizen (
    citizen_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

-- Since when news waits for a citizen's contact.
CREATE TABLE awaited_citizen (
    citizen_id text PRIMARY KEY,
    since timestamptz NOT NULL
);

CREATE TABLE message (
    notification_id uuid PRIMARY KEY,
    cause text NOT NULL,
    template text NOT NULL,
    template_version integer NOT NULL,
    recipient text NOT NULL,
    citizen_id text NOT NULL,
    referral_id text NOT NULL,
    provider text NOT NULL,
    order_id text,
    session_id text,
    revision bigint NOT NULL,
    first_contact boolean NOT NULL,
    urgent boolean NOT NULL,
    facts bytea NOT NULL,
    channel text CHECK (channel IN ('email', 'sms')),
    not_by text CHECK (not_by IN ('email', 'sms')),
    status text NOT NULL
        CHECK (status IN ('created', 'sending', 'sent', 'failed', 'uncertain', 'cancelled')),
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    claimed_by integer,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    UNIQUE (cause, template, recipient),
    CHECK ((status = 'sending') <= (claimed_by IS NOT NULL AND channel IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX message_referral ON message (referral_id);
CREATE INDEX message_due ON message (due_at) WHERE status = 'created';
CREATE INDEX message_citizen_waiting ON message (citizen_id) WHERE status = 'created';
CREATE INDEX message_order_waiting ON message (order_id) WHERE status = 'created';
CREATE INDEX message_open ON message (status, status_at) WHERE status IN ('sending', 'uncertain');

-- What the referrals topic says of an order, where it is out of the ordinary.
CREATE TABLE order_note (
    order_id text PRIMARY KEY,
    bedside boolean NOT NULL DEFAULT false,
    withdrawn boolean NOT NULL DEFAULT false
);

CREATE TABLE closed_referral (
    referral_id text PRIMARY KEY,
    reason text NOT NULL,
    closed_at timestamptz NOT NULL
);

-- Who opened whose contact, when and for what (every read, by the rules for health data).
CREATE TABLE contact_access (
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    citizen_id text NOT NULL,
    notification_id uuid
);
CREATE INDEX contact_access_citizen ON contact_access (citizen_id, at);

-- migrate: rollback

DROP TABLE contact_access, closed_referral, order_note, message, awaited_citizen,
    erased_citizen, contact;
