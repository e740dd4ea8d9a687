-- Longer than any statement of the services, shorter than their batch's own deadline.
ALTER ROLE "{service}" SET statement_timeout = '40s';
ALTER ROLE "{service}" SET idle_in_transaction_session_timeout = '60s';
