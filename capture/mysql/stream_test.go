package mysql

import (
	"testing"

	"bridge/internal/testserver"
)

func TestTransactionsComeInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE users (id bigint unsigned PRIMARY KEY, name varchar(40), note text)")
		s := b.open()
		b.exec(
			"INSERT INTO users VALUES (1, 'ann', NULL), (2, 'bob', '')",
			"BEGIN", "UPDATE users SET name = 'Ann' WHERE id = 1", "DELETE FROM users WHERE id = 2", "COMMIT",
			"UPDATE users SET id = 18446744073709551615 WHERE id = 1",
			"BEGIN", "INSERT INTO users VALUES (9, 'x', 'x')", "ROLLBACK",
			"UPDATE users SET name = 'Ann'", // changes nothing
			"INSERT INTO users VALUES (3, 'c', 'c') ON DUPLICATE KEY UPDATE note = 'again'",
			"INSERT INTO users VALUES (3, 'c', 'c') ON DUPLICATE KEY UPDATE note = 'again'",
			"REPLACE INTO users VALUES (3, 'd', 'd')",
		)
		wantText(t, show(b.drain(s)), `
			insert users (1) new 1 ann NULL
			insert users (2) new 2 bob ''
			commit
			update users (1) old 1 ann NULL new 1 Ann NULL
			delete users (2) old 2 bob ''
			commit
			delete users (1) old 1 Ann NULL
			insert users (18446744073709551615) new 18446744073709551615 Ann NULL
			commit
			insert users (3) new 3 c c
			commit
			update users (3) old 3 c c new 3 c again
			commit
			update users (3) old 3 c again new 3 d d
			commit`)
	})
}
