-- A service's two roles connect to its database, and nobody else.
REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO "{service}", "{service}_owner";
