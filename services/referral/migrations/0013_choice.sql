-- Whom the citizen chose to be trained by, and why no start was in time
-- depends: 0012_former_numbers

-- migrate: apply

ALTER TABLE referrals ADD COLUMN wishes text[] NOT NULL DEFAULT '{}';
ALTER TABLE referrals ADD COLUMN no_start text CHECK (no_start IN
    ('other-municipality', 'free-choice', 'free-choice-declined', 'sent-in-error'));
COMMENT ON COLUMN referrals.wishes IS 'Whom the citizen wants next, should the provider decline';
COMMENT ON COLUMN referrals.no_start IS 'KL''s reason for no start in time, where somebody has one';

-- migrate: rollback

ALTER TABLE referrals DROP COLUMN no_start, DROP COLUMN wishes;
