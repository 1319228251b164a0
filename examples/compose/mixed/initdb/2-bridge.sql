-- What bridge needs on this server. Run it with the mysql or mariadb client, as an administrator; it can be
-- run again, and must be when tables were added.
SET NAMES utf8mb4;
SET SESSION sql_mode = '';

-- The account. It's made without a password and locked: afterwards run
--   ALTER USER 'bridge'@'%' IDENTIFIED BY '...' ACCOUNT UNLOCK;
CREATE USER IF NOT EXISTS 'bridge'@'%' ACCOUNT LOCK;

-- Reading the binary log, and where it ends.
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'bridge'@'%';

-- bridge's own tables live in a database of their own.
CREATE DATABASE IF NOT EXISTS bridge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
GRANT ALL PRIVILEGES ON bridge.* TO 'bridge'@'%';

-- The replicated tables. TRIGGER is for "bridge check": without it a table's triggers can't be seen.
DROP PROCEDURE IF EXISTS bridge.grant_tables;
DELIMITER //
CREATE PROCEDURE bridge.grant_tables()
BEGIN
  DECLARE finished bool DEFAULT false;
  DECLARE name text;
  DECLARE names CURSOR FOR
    SELECT CONCAT('`', REPLACE(table_schema, '`', '``'), '`.`', REPLACE(table_name, '`', '``'), '`')
    FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND lower(table_schema) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'bridge')
      AND (CONVERT(table_schema USING utf8mb4) COLLATE utf8mb4_bin REGEXP '^shop$' AND CONVERT(table_name USING utf8mb4) COLLATE utf8mb4_bin REGEXP '^.*$')
    ORDER BY table_schema, table_name;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET finished = true;
  OPEN names;
  each_table: LOOP
    FETCH names INTO name;
    IF finished THEN
      LEAVE each_table;
    END IF;
    SET @bridge_grant = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON ', name, ' TO ', '\'bridge\'@\'%\'');
    PREPARE granting FROM @bridge_grant;
    EXECUTE granting;
    DEALLOCATE PREPARE granting;
  END LOOP;
  CLOSE names;
END//
DELIMITER ;
CALL bridge.grant_tables();
DROP PROCEDURE bridge.grant_tables;
