package integration

import (
	"strings"
	"testing"

	"bridge/config"
)

// TestShapesMySQL is TestShapes for what MySQL and MariaDB have in their own way.
func TestShapesMySQL(t *testing.T) {
	onEach(t, alike, func(t *testing.T, engines []string) {
		runShapes(t, options{engines: engines}, shapesMySQL(engines[0]))
	})
}

func shapesMySQL(engine string) []shape {
	all := []shape{
		{name: "unique values that change places", schema: `CREATE TABLE swaps (id int PRIMARY KEY, u int UNIQUE);`, turns: []string{
			`INSERT INTO swaps VALUES (1, 1), (2, 2), (3, 3)`,
			`BEGIN; UPDATE swaps SET u = 0 WHERE id = 1; UPDATE swaps SET u = 1 WHERE id = 2; UPDATE swaps SET u = 2 WHERE id = 1; COMMIT`,
			`BEGIN; DELETE FROM swaps WHERE id = 3; UPDATE swaps SET u = 3 WHERE id = 1; INSERT INTO swaps VALUES (3, 2); COMMIT`,
		}},
		{name: "replaced", schema: `CREATE TABLE replaced (id int PRIMARY KEY, u int UNIQUE, n int DEFAULT 5);`, turns: []string{
			`INSERT INTO replaced VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)`,
			`REPLACE INTO replaced VALUES (4, 1, 4); REPLACE INTO replaced VALUES (2, 3, 5); REPLACE INTO replaced (id) VALUES (4)`,
			`INSERT INTO replaced VALUES (2, 9, 9), (7, 3, 9) ON DUPLICATE KEY UPDATE n = n + 10; INSERT IGNORE INTO replaced VALUES (2, 77, 77)`,
		}},
		{name: "updates that change nothing", schema: `CREATE TABLE same (id int PRIMARY KEY, v varchar(10));`, turns: []string{
			`INSERT INTO same VALUES (1, 'a'), (2, 'b')`,
			`UPDATE same SET v = v; BEGIN; UPDATE same SET v = 'x' WHERE id = 1; UPDATE same SET v = 'a' WHERE id = 1; COMMIT`,
			`UPDATE same SET v = 'c'; INSERT INTO same VALUES (2, 'c') ON DUPLICATE KEY UPDATE v = 'c'`,
		}},
		{name: "keys that ignore case", schema: `CREATE TABLE words (w varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int);`, turns: []string{
			`INSERT INTO words VALUES ('abc', 1), ('Über', 2), ('x ', 3)`,
			`UPDATE words SET w = 'ABC' WHERE w = 'abc'; UPDATE words SET n = 20 WHERE w = 'uber'; DELETE FROM words WHERE w = 'X'`,
			`INSERT INTO words VALUES ('aBc', 5) ON DUPLICATE KEY UPDATE w = 'aBc', n = 6; REPLACE INTO words VALUES ('UBER', 7)`,
		}},
		{name: "distributed transactions", schema: `CREATE TABLE xa (id int PRIMARY KEY, v int);`, turns: []string{
			`XA START 'a'; INSERT INTO xa VALUES (1, 1), (2, 2); XA END 'a'; XA PREPARE 'a'; XA COMMIT 'a'`,
			`XA START 'b'; UPDATE xa SET v = 7; XA END 'b'; XA PREPARE 'b'; XA ROLLBACK 'b'; XA START 'c'; DELETE FROM xa WHERE id = 1; XA END 'c'; XA COMMIT 'c' ONE PHASE`,
		}},
		{name: "savepoints and temporary tables", schema: `CREATE TABLE parts_of (id int PRIMARY KEY);`, turns: []string{
			`BEGIN; INSERT INTO parts_of VALUES (1); SAVEPOINT a; INSERT INTO parts_of VALUES (2); ROLLBACK TO a; INSERT INTO parts_of VALUES (3); COMMIT; BEGIN; DELETE FROM parts_of; ROLLBACK`,
			`CREATE TEMPORARY TABLE t1 (id int); INSERT INTO t1 VALUES (4), (5); INSERT INTO parts_of SELECT id FROM t1; DROP TEMPORARY TABLE t1`,
		}},
		{name: "truncated", schema: `CREATE TABLE truncated (id int PRIMARY KEY);`, turns: []string{
			`INSERT INTO truncated VALUES (1), (2)`,
			`TRUNCATE TABLE truncated; INSERT INTO truncated VALUES (2)`,
			`INSERT INTO truncated VALUES (3); TRUNCATE truncated; INSERT INTO truncated VALUES (3)`,
		}},
		{name: "columns of the server's making", schema: `CREATE TABLE made (id bigint AUTO_INCREMENT PRIMARY KEY, v int, twice int AS (v * 2) STORED, thrice int AS (v * 3) VIRTUAL, hidden int INVISIBLE DEFAULT 3,
			at datetime(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (thrice));`, turns: []string{
			`INSERT INTO made (v) VALUES (1), (2), (3)`,
			`UPDATE made SET v = v + 10; INSERT INTO made (id, v, hidden) VALUES (100, 5, 6)`,
			`INSERT INTO made (v) VALUES (7); UPDATE made SET hidden = 9 WHERE id = 1; DELETE FROM made WHERE id = 2`,
		}},
		{name: "dates that aren't in the calendar", schema: `CREATE TABLE dates (id int PRIMARY KEY, d date, t datetime(3));`, turns: []string{
			`SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO dates VALUES (1, '0000-00-00', '0000-00-00 00:00:00'), (2, '2024-02-31', '2024-00-00 10:00:00.5'); SET sql_mode = DEFAULT`,
			`UPDATE dates SET id = id + 10`,
		}},
		{name: "triggers", schema: `CREATE TABLE owners (id int PRIMARY KEY, pets int NOT NULL DEFAULT 0); CREATE TABLE pets (id int PRIMARY KEY, owner int);
DELIMITER //
CREATE TRIGGER pet AFTER INSERT ON pets FOR EACH ROW BEGIN
  IF @bridge_apply IS NULL THEN UPDATE owners SET pets = pets + 1 WHERE id = NEW.owner; END IF;
END//
DELIMITER ;
`, turns: []string{
			`INSERT INTO owners (id) VALUES (1), (2); INSERT INTO pets VALUES (1, 1), (2, 1), (3, 2)`,
			`INSERT INTO pets VALUES (4, 2)`,
		}},
		{name: "partitions that differ", schema: `CREATE TABLE parts (id int PRIMARY KEY, v varchar(10));`,
			eu: `ALTER TABLE parts PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (50), PARTITION b VALUES LESS THAN MAXVALUE);`,
			us: `ALTER TABLE parts PARTITION BY HASH (id) PARTITIONS 4;`, turns: []string{
				`INSERT INTO parts VALUES (1, 'a'), (60, 'b'), (70, 'c')`,
				`UPDATE parts SET id = id + 50 WHERE id = 1; DELETE FROM parts WHERE id = 60`,
				`UPDATE parts SET id = 2 WHERE id = 51; TRUNCATE parts; INSERT INTO parts VALUES (5, 'last')`,
			}},
		{name: "columns in another order", eu: `CREATE TABLE ordered (id int PRIMARY KEY, a varchar(10), b int DEFAULT 7);`, us: `CREATE TABLE ordered (b int, a varchar(10), id int PRIMARY KEY);`, turns: []string{
			`INSERT INTO ordered (id, a) VALUES (1, 'one'), (2, 'two')`,
			`INSERT INTO ordered VALUES (3, 'three', 3); UPDATE ordered SET a = 'us' WHERE id = 2`,
			`UPDATE ordered SET id = 20, b = NULL WHERE id = 2; DELETE FROM ordered WHERE id = 1`,
		}},
		{name: "names", schema: "CREATE TABLE `tab``le é{},\\\\\" .` (`select` int, `Ünï' code` varchar(20), `$1` varchar(20), PRIMARY KEY (`Ünï' code`, `select`));", turns: []string{
			"INSERT INTO `tab``le é{},\\\\\" .` VALUES (1, 'x''y', 'z'), (2, '{\"\\\\', NULL), (3, '', '')",
			"UPDATE `tab``le é{},\\\\\" .` SET `$1` = 'us'",
			"DELETE FROM `tab``le é{},\\\\\" .` WHERE `select` = 1",
		}},
		{name: "wide", schema: strings.ReplaceAll(wide(500), " text", " int"), turns: []string{
			`INSERT INTO wide (id, c1, c499) VALUES (1, 1, 499), (2, 1, 499)`,
			`UPDATE wide SET c250 = 250 WHERE id = 2`,
			`SET SESSION binlog_row_image = MINIMAL; UPDATE wide SET c251 = 251 WHERE id = 1; SET SESSION binlog_row_image = FULL`,
		}},
	}
	if engine == config.MySQL { // MariaDB doesn't log cascades, and bridge check refuses such tables there
		all = append(all, shape{name: "cascades", schema: `CREATE TABLE parents (id int PRIMARY KEY);
			CREATE TABLE children (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE);
			CREATE TABLE orphans (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE SET NULL);`, turns: []string{
			`INSERT INTO parents VALUES (1), (2), (3); INSERT INTO children VALUES (1, 1), (2, 2), (3, 3); INSERT INTO orphans VALUES (1, 1), (2, NULL)`,
			`DELETE FROM orphans WHERE id = 3; DELETE FROM parents WHERE id = 1`,
			`UPDATE parents SET id = 20 WHERE id = 2; INSERT INTO children VALUES (4, 20)`,
		}})
	}
	return all
}
