-- bridge's password, from the file that compose.yaml puts into both containers.
\set password `cat /run/secrets/bridge_password`
ALTER ROLE bridge PASSWORD :'password';
