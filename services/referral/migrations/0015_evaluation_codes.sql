-- The code by which a citizen's answers are taken: the same for all forms of one moment
-- depends: 0014_assessments

-- migrate: apply

ALTER TABLE evaluations ADD COLUMN code text;
CREATE INDEX evaluations_code ON evaluations (code);

-- migrate: rollback

DROP INDEX evaluations_code;
ALTER TABLE evaluations DROP COLUMN code;
