-- The day on which an order came: who is still to come is expected from those who have.
-- depends: 0005_gatherings

-- migrate: apply
ALTER TABLE placed_order ADD COLUMN came date;
COMMENT ON COLUMN placed_order.came IS
    'Null for sessions after an order''s first. Of orders from before this column: the day before '
    'the earliest day, or that of the first offer where that came sooner';
UPDATE placed_order o SET came = least(
    (o.body ->> 'earliest')::date - 1,
    (SELECT min(s.offered_at AT TIME ZONE 'Europe/Copenhagen')::date FROM session s
     WHERE s.order_id = o.order_id))
WHERE coalesce(o.body ->> 'of', '') = '';
CREATE INDEX placed_order_came ON placed_order (provider, came) WHERE came IS NOT NULL;

-- migrate: rollback
DROP INDEX placed_order_came;
ALTER TABLE placed_order DROP COLUMN came;
