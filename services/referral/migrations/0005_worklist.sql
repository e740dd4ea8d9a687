-- How an entry of the worklist was settled, and how often it came up
-- depends: 0004_portfolio

-- migrate: apply

ALTER TABLE worklist
    ADD COLUMN decision text,
    ADD COLUMN remark bytea,
    ADD COLUMN times int NOT NULL DEFAULT 1;
UPDATE worklist SET decision = 'referral-closed', closed_by = 'service:referral'
WHERE closed_at IS NOT NULL;
ALTER TABLE worklist ADD CHECK ((closed_at IS NULL) = (decision IS NULL));
COMMENT ON COLUMN worklist.remark IS
    'What whoever settled it wrote, sealed: free text may name people, so no event carries it';

-- migrate: rollback

ALTER TABLE worklist DROP COLUMN times, DROP COLUMN remark, DROP COLUMN decision;
