package mysql

import (
	"testing"

	"bridge/change"
)

func TestStatements(t *testing.T) {
	for sql, want := range map[string]statement{
		"BEGIN":                                    {effect: effectBegin},
		"COMMIT":                                   {effect: effectCommit},
		"COMMIT /* x */ ;":                         {effect: effectCommit},
		"ROLLBACK":                                 {effect: effectRollback},
		"ROLLBACK TO SAVEPOINT `x`":                {effect: effectRollbackTo},
		"ROLLBACK WORK TO x":                       {effect: effectRollbackTo},
		"SAVEPOINT `to`":                           {effect: effectSavepoint},
		"XA START X'61',X'',1":                     {effect: effectXAStart, xid: "X'61',X'',1"},
		"XA COMMIT X'6162',X'ff',4294967295":       {effect: effectXACommit, xid: "X'6162',X'ff',4294967295"},
		"XA ROLLBACK X'61',X'',1":                  {effect: effectXARollback, xid: "X'61',X'',1"},
		"XA COMMIT 'a'":                            {effect: effectUnknown},
		"truncate t":                               {effect: effectTruncate, table: change.TableName{Name: "t"}},
		"TRUNCATE TABLE `a``b`.\"c\"\"d\"":         {effect: effectTruncate, table: change.TableName{Schema: "a`b", Name: `c"d`}},
		"/* c */ TRUNCATE/**/TABLE -- x\n db . t":  {effect: effectTruncate, table: change.TableName{Schema: "db", Name: "t"}},
		"# c\nTRUNCATE TABLE t WAIT 5":             {effect: effectTruncate, table: change.TableName{Name: "t"}},
		"/*!50503 TRUNCATE TABLE t */":             {effect: effectTruncate, table: change.TableName{Name: "t"}},
		"/*M!100100 TRUNCATE TABLE t */":           {effect: effectTruncate, table: change.TableName{Name: "t"}},
		"TRUNCATE TABLE":                           {effect: effectUnknown},
		"TRUNCATE TABLE t.":                        {effect: effectUnknown},
		"DROP TABLE /*!40005 IF EXISTS */ t":       {effect: effectNone},
		"ALTER TABLE t ADD v int DEFAULT 'INSERT'": {effect: effectNone},
		"ALTER TABLE t TRUNCATE PARTITION p, q":    {effect: effectMoves, table: change.TableName{Name: "t"}},
		"alter /* c */ online ignore table if exists d . `t` wait 5 truncate partition all":         {effect: effectMoves, table: change.TableName{Schema: "d", Name: "t"}},
		"ALTER TABLE t ALGORITHM = INPLACE, EXCHANGE PARTITION p WITH TABLE d.u WITHOUT VALIDATION": {effect: effectMoves, table: change.TableName{Name: "t"}, with: change.TableName{Schema: "d", Name: "u"}},
		"ALTER TABLE t CONVERT PARTITION p TO TABLE u":                                              {effect: effectMoves, table: change.TableName{Name: "t"}, with: change.TableName{Name: "u"}},
		"ALTER TABLE t CONVERT TABLE u TO PARTITION p VALUES LESS THAN (1)":                         {effect: effectMoves, table: change.TableName{Name: "t"}, with: change.TableName{Name: "u"}},
		"ALTER TABLE t DISCARD TABLESPACE":                                                          {effect: effectMoves, table: change.TableName{Name: "t"}},
		"ALTER TABLE t IMPORT PARTITION p TABLESPACE":                                               {effect: effectMoves, table: change.TableName{Name: "t"}},
		"ALTER TABLE t":                  {effect: effectNone},
		"ALTER TABLE t DROP PARTITION p": {effect: effectNone},
		"ALTER TABLE t ADD a int AFTER truncate PARTITION BY HASH (a)":                           {effect: effectNone},
		"ALTER TABLE t ADD `truncate` int, COMMENT 'TRUNCATE PARTITION p'":                       {effect: effectNone},
		"ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4":                                         {effect: effectNone},
		"ALTER TABLE t TABLESPACE s":                                                             {effect: effectNone},
		"ALTER USER u IDENTIFIED BY 'x'":                                                         {effect: effectNone},
		"CREATE TABLE t (a int) START TRANSACTION":                                               {effect: effectNone},
		"CREATE TABLE t (`select` int COMMENT 'SELECT', b int /* SELECT */)":                     {effect: effectNone},
		"CREATE TABLE t (a int) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (1))":       {effect: effectNone},
		"CREATE TABLE t LIKE u":                                                                  {effect: effectNone},
		"CREATE TABLE t SELECT 1":                                                                {effect: effectUnknown},
		"CREATE OR REPLACE TABLE t (a int) AS (SELECT * FROM u)":                                 {effect: effectUnknown},
		"CREATE TABLE t TABLE u":                                                                 {effect: effectUnknown},
		"CREATE TABLE t (a int) VALUES ROW(1)":                                                   {effect: effectUnknown},
		"CREATE TABLE t WITH c AS (SELECT 1) SELECT * FROM c":                                    {effect: effectUnknown},
		"CREATE DEFINER=`r`@`%` TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO u SELECT 1": {effect: effectNone},
		"CREATE ALGORITHM=UNDEFINED VIEW v AS SELECT 1":                                          {effect: effectNone},
		"CREATE PROCEDURE p() BEGIN SELECT 1; END":                                               {effect: effectNone},
		"CREATE USER x":            {effect: effectNone},
		"SET PASSWORD FOR x = 'y'": {effect: effectNone},
		"SET DEFAULT ROLE r TO x":  {effect: effectNone},
		"SET STATEMENT max_statement_time=1 FOR ALTER TABLE t FORCE": {effect: effectNone},
		"SET STATEMENT max_statement_time=1 FOR DELETE FROM t":       {effect: effectUnknown},
		"SET @x = 1":                           {effect: effectUnknown},
		"INSERT INTO t VALUES (1)":             {effect: effectUnknown},
		"/*!40000 INSERT INTO t VALUES (1) */": {effect: effectUnknown},
		"WITH c AS (SELECT 1) DELETE FROM t":   {effect: effectUnknown},
		"(SELECT f())":                         {effect: effectUnknown},
		"CALL p()":                             {effect: effectUnknown},
		"LOAD DATA INFILE 'x' INTO TABLE t":    {effect: effectUnknown},
		"# Dummy event replacing event type 160 that slave cannot handle.": {effect: effectUnknown},
		"": {effect: effectUnknown},
	} {
		got := parseStatement(sql, false)
		if got.effect == effectUnknown && want.effect == effectUnknown {
			continue
		}
		got.word = ""
		if got != want {
			t.Errorf("%s: got %+v, want %+v", sql, got, want)
		}
	}
}

// A backslash before a quote escapes it, or doesn't, by the session's sql_mode.
func TestBackslashes(t *testing.T) {
	const sql = `CREATE TABLE t (a int COMMENT 'x\') SELECT 'y')`
	if got := parseStatement(sql, true).effect; got != effectUnknown {
		t.Errorf("without escapes: %v", got)
	}
	if got := parseStatement(sql+"'", false).effect; got != effectNone {
		t.Errorf("with escapes: %v", got)
	}
}

func FuzzParseStatement(f *testing.F) {
	for _, s := range []string{"TRUNCATE `a`.b", "XA COMMIT X'00',X'',1", "/*!", "'", "SET STATEMENT x=1 FOR SET STATEMENT y=1 FOR DROP x", "CREATE", "--", "\\",
		"ALTER TABLE t EXCHANGE PARTITION p WITH TABLE", "ALTER IGNORE TABLE IF EXISTS a.`b` CONVERT TABLE c TO PARTITION d"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, sql string, noBackslash bool) {
		st := parseStatement(sql, noBackslash)
		if st.effect == effectTruncate && st.table.Name == "" && len(sql) < 9 {
			t.Errorf("%q truncates a table without a name", sql)
		}
		if named := st.table.Name != ""; named && st.effect != effectTruncate && st.effect != effectMoves && st.effect != effectUnknown {
			t.Errorf("%q, of no rows, is about table %s", sql, st.table)
		}
	})
}
