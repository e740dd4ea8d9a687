-- Referrals on other grounds than a hospital's plan
-- depends: 0005_worklist

-- migrate: apply

ALTER TABLE referrals
    ALTER COLUMN type DROP NOT NULL,
    ADD COLUMN basis text NOT NULL DEFAULT 'hospital'
        CHECK (basis IN ('hospital', 'gp', 'municipality', 'self', 'relative')),
    ADD COLUMN programme text,
    ADD CHECK ((basis = 'hospital') = (type IS NOT NULL));
COMMENT ON COLUMN referrals.hospital IS 'The party that sent it: a hospital, or another sender';
COMMENT ON COLUMN referrals.discharge_date IS 'On other grounds the day of the referral';
COMMENT ON COLUMN referrals.programme IS 'On other grounds: what was chosen, null until it was';

-- migrate: rollback

DELETE FROM referrals WHERE basis <> 'hospital';
ALTER TABLE referrals
    DROP COLUMN basis,
    DROP COLUMN programme,
    ALTER COLUMN type SET NOT NULL;
