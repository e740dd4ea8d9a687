-- Nobody but the superuser has business in the server's own databases.
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
