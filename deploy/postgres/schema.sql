-- Run in the service's database. What the runtime role may do with the tables is granted where
-- they are made, by the migrations.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO "{service}_owner";
