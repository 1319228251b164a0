package mysql

import (
	"fmt"
	"io"
	"strings"
)

// Grants says for which account and tables [Grants.Write] prints SQL.
type Grants struct {
	User string
	Host string // the part of the account's name behind @; empty is %
	// Include and Exclude choose tables by pairs of regular expressions for database and table, as
	// "bridge init" does.
	Include, Exclude [][2]string
}

// Write prints what a DBA runs with the mysql or mariadb client, once and again when tables were added:
// the least that bridge needs. It's idempotent. The tables are looked up when it runs, so printing needs
// no connection. It serves both engines.
func (g Grants) Write(w io.Writer) error {
	return g.write(w, strings.ReplaceAll(grantsTemplate, "{privileges}", "SELECT, INSERT, UPDATE, DELETE, TRIGGER"))
}

// WriteOperator prints what a DBA runs so that a person's account can work with "bridge conflicts" and "bridge parked": read the
// cases, the parked rows, and the rows they are of and, unless readOnly, resolve them. They hold rows' values.
func (g Grants) WriteOperator(w io.Writer, readOnly bool) error {
	tables, resolving := "SELECT", ""
	if !readOnly {
		tables = "SELECT, INSERT, UPDATE, DELETE"
		resolving = "-- To resolve a case is to mark it, and to write its row; to resolve a parked row is to write it.\n" +
			"GRANT UPDATE (resolved_at, resolved_by, resolution) ON bridge.conflicts TO {account};\n"
	}
	return g.write(w, strings.NewReplacer("{resolving}", resolving, "{privileges}", tables).Replace(operatorTemplate))
}

func (g Grants) write(w io.Writer, template string) error {
	host := g.Host
	if host == "" {
		host = "%"
	}
	account := Literal(g.User) + "@" + Literal(host)
	text := strings.NewReplacer("{account}", account, "{account'}", Literal(account), "{selected}", g.selected()).Replace(template)
	_, err := io.WriteString(w, text)
	return err
}

// selected is the condition on information_schema.tables for the tables to replicate.
func (g Grants) selected() string {
	condition := "table_type = 'BASE TABLE' AND " + fmt.Sprintf(notSystem, "table_schema") + "\n      AND (" + anyOf(g.Include) + ")"
	if len(g.Exclude) > 0 {
		condition += "\n      AND NOT (" + anyOf(g.Exclude) + ")"
	}
	return condition
}

func anyOf(pairs [][2]string) string {
	terms := make([]string, len(pairs))
	for i, p := range pairs {
		terms[i] = matches("table_schema", p[0]) + " AND " + matches("table_name", p[1])
	}
	return strings.Join(terms, " OR ")
}

// matches compares byte by byte: the catalog's own collation would ignore case.
func matches(column, pattern string) string {
	return "CONVERT(" + column + " USING utf8mb4) COLLATE utf8mb4_bin REGEXP " + Literal(pattern)
}

const grantsTemplate = `-- What bridge needs on this server. Run it with the mysql or mariadb client, as an administrator; it can be
-- run again, and must be when tables were added.
SET NAMES utf8mb4;
SET SESSION sql_mode = '';

-- The account. It's made without a password and locked: afterwards run
--   ALTER USER {account} IDENTIFIED BY '...' ACCOUNT UNLOCK;
CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;

-- Reading the binary log, and where it ends.
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {account};

-- bridge's own tables live in a database of their own.
CREATE DATABASE IF NOT EXISTS bridge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
GRANT ALL PRIVILEGES ON bridge.* TO {account};

-- The replicated tables. TRIGGER is for "bridge check": without it a table's triggers can't be seen.
` + grantTables

// operatorTemplate is for a person's account.
const operatorTemplate = `-- What a person needs for "bridge conflicts" and "bridge parked" on this server. Run it with the mysql or mariadb client, as an
-- administrator, after "bridge init"; it can be run again, and must be when tables were added.
SET NAMES utf8mb4;
SET SESSION sql_mode = '';
-- A new account has no password and is locked: afterwards run
--   ALTER USER {account} IDENTIFIED BY '...' ACCOUNT UNLOCK;
CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;
GRANT SELECT ON bridge.node TO {account};
GRANT SELECT ON bridge.conflicts TO {account};
GRANT SELECT ON bridge.parked TO {account};
{resolving}
` + grantTables

// grantTables gives an account privileges on the selected tables.
const grantTables = `DROP PROCEDURE IF EXISTS bridge.grant_tables;
DELIMITER //
CREATE PROCEDURE bridge.grant_tables()
BEGIN
  DECLARE finished bool DEFAULT false;
  DECLARE name text;
  DECLARE names CURSOR FOR
    SELECT CONCAT('` + "`" + `', REPLACE(table_schema, '` + "`" + `', '` + "``" + `'), '` + "`.`" + `', REPLACE(table_name, '` + "`" + `', '` + "``" + `'), '` + "`" + `')
    FROM information_schema.tables
    WHERE {selected}
    ORDER BY table_schema, table_name;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET finished = true;
  OPEN names;
  each_table: LOOP
    FETCH names INTO name;
    IF finished THEN
      LEAVE each_table;
    END IF;
    SET @bridge_grant = CONCAT('GRANT {privileges} ON ', name, ' TO ', {account'});
    PREPARE granting FROM @bridge_grant;
    EXECUTE granting;
    DEALLOCATE PREPARE granting;
  END LOOP;
  CLOSE names;
END//
DELIMITER ;
CALL bridge.grant_tables();
DROP PROCEDURE bridge.grant_tables;
`
