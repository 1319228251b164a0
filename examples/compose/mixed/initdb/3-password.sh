# bridge's password, from the file that compose.mixed.yaml puts into both containers; it also unlocks the account.
# The image's entrypoint runs this, and docker_process_sql is its function.
docker_process_sql <<-SQL
	ALTER USER bridge@'%' IDENTIFIED BY '$(cat /run/secrets/bridge_password)' ACCOUNT UNLOCK;
SQL
