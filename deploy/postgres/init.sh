#!/bin/sh
# Run once by the postgres image, when its data folder is empty: the roles and the database of
# $SERVICE, as the launcher makes them. Passwords: $OWNER_PASSWORD, $RUNTIME_PASSWORD.
set -eu

filled() {
    sed "s/{service}/$SERVICE/g; s/{database}/$SERVICE/g" "${SQL:-/etc/genvej/postgres}/$1"
}

{
    cat <<SQL
CREATE ROLE "$SERVICE" LOGIN PASSWORD :'runtime';
CREATE ROLE "${SERVICE}_owner" LOGIN PASSWORD :'owner';
CREATE DATABASE "$SERVICE" OWNER "${SERVICE}_owner";
SQL
    filled server.sql
    filled role.sql
    filled database.sql
    printf '\\connect %s\n' "$SERVICE"
    filled schema.sql
} | psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U postgres -d postgres \
    -v "runtime=$RUNTIME_PASSWORD" -v "owner=$OWNER_PASSWORD"
