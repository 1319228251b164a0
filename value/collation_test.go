package value

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func TestCheckKey(t *testing.T) {
	for _, tc := range []struct {
		own    string
		others []Engine
		is     error // nil: it can be a key
	}{
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", nil, nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", []Engine{MySQL}, nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", []Engine{MariaDB}, ErrCollation},
		{"mariadb varchar(10) COLLATE utf8mb4_uca1400_ai_ci", []Engine{MySQL}, ErrCollation},
		{"mariadb varchar(10) COLLATE utf8mb4_general_nopad_ci", []Engine{MySQL}, ErrCollation},
		{"mariadb varchar(10)", []Engine{MySQL}, ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", []Engine{MariaDB}, nil},
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", []Engine{MariaDB, Postgres}, ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_bin", []Engine{MariaDB}, nil},
		{"mysql varchar(10) COLLATE utf8mb4_bin", []Engine{Postgres}, ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_0900_bin", []Engine{MariaDB, Postgres}, nil},
		{"mariadb varchar(10) COLLATE utf8mb4_nopad_bin", []Engine{MySQL, Postgres}, nil},
		{"mysql enum('a','b') COLLATE utf8mb4_0900_ai_ci", []Engine{MariaDB, Postgres}, nil},
		{"mysql double", []Engine{MariaDB, Postgres}, nil},
	} {
		if err := CheckKey(typeOf(t, tc.own), tc.others...); !errors.Is(err, tc.is) {
			t.Errorf("%s beside %v: %v, want %v", tc.own, tc.others, err, tc.is)
		}
	}
	if CheckKey(typeOf(t, "mysql json"), MariaDB) == nil {
		t.Error("a document is a key")
	}
}

func TestSameKey(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		is   error // nil: they can be one key
	}{
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", "mariadb varchar(10) COLLATE utf8mb4_general_ci", nil},
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", "mariadb varchar(10) COLLATE utf8mb4_unicode_ci", ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", "mariadb varchar(10) COLLATE utf8mb4_bin", ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", "mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", "mariadb varchar(10) COLLATE utf8mb4_0900_ai_ci", ErrCollation}, // MariaDB 11.4's name for another
		{"mysql varchar(10) COLLATE latin1_bin", "mariadb varchar(10) COLLATE utf8mb4_bin", nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_bin", "mariadb varchar(10) COLLATE utf8mb4_nopad_bin", nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_bin", "mariadb varchar(10) COLLATE utf8mb4_bin", ErrCollation},
		{"mysql char(10) COLLATE utf8mb4_bin", "mariadb varchar(10) COLLATE utf8mb4_nopad_bin", nil},
		{"mysql char(36) COLLATE utf8mb4_0900_ai_ci", "mariadb uuid", nil},
		{"mysql varchar(10) COLLATE utf8mb4_0900_bin", "postgres text", nil},
		{"mysql varchar(10) COLLATE utf8mb4_general_ci", "postgres text", ErrCollation},
		{"mysql int", "mariadb varchar(10) COLLATE utf8mb4_bin", ErrMismatch},
	} {
		a, b := typeOf(t, tc.a), typeOf(t, tc.b)
		if err := SameKey(a, b); !errors.Is(err, tc.is) {
			t.Errorf("%s and %s: %v, want %v", tc.a, tc.b, err, tc.is)
		}
		if err := SameKey(b, a); !errors.Is(err, tc.is) {
			t.Errorf("%s and %s: %v, want %v", tc.b, tc.a, err, tc.is)
		}
	}
}

// TestCollationsInCommon: a collation counts as both engines' when both have it and it gives texts the same weights on both.
func TestCollationsInCommon(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	texts := collatedTexts(rand.New(rand.NewPCG(seed, 0)))
	var servers [2]servertest.MySQLDB
	var has [2]map[string]string // character sets by collation
	for i, flavor := range []testserver.Flavor{testserver.FlavorMySQL, testserver.FlavorMariaDB} {
		servers[i] = servertest.MySQLDatabase(t, flavor)
		has[i] = map[string]string{}
		name := []string{"collation_name", "full_collation_name"}[i]
		for _, row := range servertest.QueryMySQL(t, servers[i].Server, "", "SELECT "+name+", character_set_name FROM information_schema.collation_character_set_applicability") {
			collation, charset, _ := strings.Cut(row, "\t")
			has[i][collation] = charset
		}
		servertest.ExecMySQL(t, servers[i].Server, servers[i].Name, "CREATE TABLE texts (id int PRIMARY KEY, t varchar(8) CHARACTER SET utf8mb4); INSERT INTO texts VALUES "+texts)
	}
	weights := func(db servertest.MySQLDB, charset, collation string) string {
		return servertest.QueryMySQL(t, db.Server, db.Name, fmt.Sprintf(
			"SELECT count(weight_string(convert(t USING %s) COLLATE %s)), sum(crc32(concat(id, hex(weight_string(convert(t USING %[1]s) COLLATE %[2]s))))) FROM texts", charset, collation))[0]
	}
	for collation, charset := range has[0] {
		switch _, both := has[1][collation]; {
		case strings.HasSuffix(collation, "_bin"), collation == "binary":
		case !both:
			if inCommon(collation) {
				t.Errorf("%s is MySQL's alone", collation)
			}
		case inCommon(collation) != (weights(servers[0], charset, collation) == weights(servers[1], charset, collation)):
			t.Errorf("%s: it counts as both engines': %v; weights are otherwise", collation, inCommon(collation))
		}
	}
	for collation := range has[1] {
		if _, both := has[0][collation]; !both && inCommon(collation) && !strings.HasSuffix(collation, "_bin") {
			t.Errorf("%s is MariaDB's alone", collation)
		}
	}
}

// collatedTexts are rows of a number and a text: every character of the first blocks, pairs of Latin letters, and a draw of several together, as
// collations with contractions and expansions take them.
func collatedTexts(rng *rand.Rand) string {
	var rows []string
	add := func(text string) {
		text = strings.NewReplacer(`\`, `\\`, "'", "''").Replace(text)
		rows = append(rows, fmt.Sprintf("(%d, '%s')", len(rows), text))
	}
	for r := rune(1); r < 0x2100; r++ {
		add(string(r))
	}
	const letters = "abcdefghijklmnopqrstuvwxyzáäåæćčđéëíîñóöőøšúüűýžþß" // those of contractions: dž, lj, aa, ch, cs, dzs, ll
	for _, a := range letters {
		for _, b := range letters {
			add(string(a) + string(b))
			add(string(a) + strings.ToUpper(string(b))) // MariaDB contracts Croatian's nJ, MySQL doesn't
		}
	}
	for range 1000 {
		text := make([]rune, 2+rng.IntN(3))
		for i := range text {
			text[i] = []rune{rng.Int32N(0x80), rng.Int32N(0x250), rng.Int32N(0xd800), 0xe00 + rng.Int32N(0x80), 0x1f300 + rng.Int32N(0x400)}[rng.IntN(5)]
		}
		add(string(text))
	}
	return strings.Join(rows, ", ")
}
