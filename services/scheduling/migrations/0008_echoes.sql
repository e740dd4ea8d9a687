-- What was said of sessions and this database has forgotten: it was restored from a backup.
-- depends: 0007_suppliers

-- migrate: apply
CREATE TABLE echo (
    session_id uuid PRIMARY KEY,
    provider text NOT NULL,
    order_id text NOT NULL,
    at timestamptz NOT NULL,
    done boolean NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL
);
COMMENT ON COLUMN echo.done IS
    'Whether the order is known and has the session; else it waits for the order, its time taken';
CREATE INDEX echo_provider ON echo (provider);

-- migrate: rollback
DROP TABLE echo;
