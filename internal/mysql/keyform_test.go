package mysql_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
)

// keyCollations are collations that tables have, with what tells them apart.
var keyCollations = map[testserver.Flavor][]string{
	testserver.FlavorMySQL: {"utf8mb4_0900_ai_ci", "utf8mb4_0900_as_ci", "utf8mb4_0900_as_cs", "utf8mb4_0900_bin", "utf8mb4_bin",
		"utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "utf8mb4_danish_ci", "utf8mb4_da_0900_ai_ci", "utf8mb4_ja_0900_as_cs",
		"utf8mb3_general_ci", "latin1_swedish_ci", "latin1_general_cs", "latin1_bin", "latin1_german2_ci", "ascii_general_ci", "ucs2_general_ci", "utf16_unicode_ci",
		"sjis_japanese_ci", "gbk_chinese_ci", "cp1251_general_ci"},
	testserver.FlavorMariaDB: {"utf8mb4_general_ci", "utf8mb4_general_nopad_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_nopad_ci", "utf8mb4_bin", "utf8mb4_nopad_bin",
		"utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_nopad_ai_ci", "utf8mb4_uca1400_nopad_as_cs", "utf8mb4_uca1400_danish_ai_ci", "utf8mb4_danish_ci",
		"utf8mb3_general_ci", "latin1_swedish_ci", "latin1_swedish_nopad_ci", "latin1_bin", "ascii_general_ci", "ucs2_unicode_ci", "cp1251_general_ci"},
}

// Forms are equal exactly where the server holds the texts equal.
func TestKeyForms(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pieces := []string{"a", "A", "b", "B", "aa", "AA", "ss", "e", "z", "Z", "0", "1", " ", "  ", "-", "_", "'", `"`, "\\", "`", "~", "!", "\t", "\x01", "\x7f",
		"é", "e\u0301", "É", "ß", "å", "Å", "ñ", "æ", "ae", "\u00a0", "\u200b", "\u00ad", "я", "Я", "日", "ア", "あ", "ァ", "😀", "😁", "ǆ", "ﬁ", "fi", "I", "ı", "İ"}
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		forms := mysql.NewKeyForms(ask(conn))
		for _, collation := range keyCollations[flavor] {
			charset, _, _ := strings.Cut(collation, "_")
			if rows(t, conn, "SELECT count(*) FROM information_schema.collation_character_set_applicability WHERE "+full(flavor)+" = '"+collation+"'")[0] == "0" {
				t.Errorf("there's no collation %s", collation)
				continue
			}
			form, err := forms.Collation(t.Context(), charset, collation)
			if err != nil {
				t.Errorf("%s: %v", collation, err)
				continue
			}
			in := convertible(t, conn, charset, pieces)
			random := rand.New(rand.NewPCG(seed, 0))
			var texts []string
			for range 60 {
				var b strings.Builder
				for range random.IntN(4) {
					b.WriteString(in[random.IntN(len(in))])
				}
				texts = append(texts, b.String())
			}
			texts = append(append(texts, in...), printable()...)
			check(t, conn, form, charset, collation, texts)
		}
	})
}

// full is the catalog's column with collations' complete names.
func full(flavor testserver.Flavor) string {
	if flavor == testserver.FlavorMariaDB {
		return "full_collation_name"
	}
	return "collation_name"
}

func ask(conn *mysql.Conn) func(context.Context, string) ([]change.Image, error) {
	return func(ctx context.Context, sql string) ([]change.Image, error) {
		r, err := conn.One(ctx, sql)
		return r.Rows, err
	}
}

func printable() (list []string) {
	for c := ' '; c <= '~'; c++ {
		list = append(list, string(c), "x"+string(c))
	}
	return list
}

// convertible are those of the texts that a character set has.
func convertible(t *testing.T, conn *mysql.Conn, charset string, texts []string) (list []string) {
	t.Helper()
	for _, s := range texts {
		if rows(t, conn, fmt.Sprintf("SELECT hex(convert(convert(%s USING %s) USING utf8mb4)) = hex(%[1]s)", mysql.Literal(s), charset))[0] == "1" {
			list = append(list, s)
		}
	}
	return list
}

// check puts the texts into a table and has the server group them.
func check(t *testing.T, conn *mysql.Conn, form *mysql.KeyForm, charset, collation string, texts []string) {
	t.Helper()
	var sql strings.Builder
	fmt.Fprintf(&sql, "DROP TABLE IF EXISTS k; CREATE TABLE k (n int PRIMARY KEY, s varchar(50) CHARACTER SET %s COLLATE %s); INSERT INTO k VALUES ", charset, collation)
	forms := make([]string, len(texts))
	for i, s := range texts {
		var err error
		if forms[i], err = form.Of(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sql, "(%d, %s),", i, mysql.Literal(s))
	}
	exec(t, conn, strings.TrimSuffix(sql.String(), ","))
	equal := map[string]bool{}
	for _, pair := range rows(t, conn, "SELECT a.n, b.n FROM k a JOIN k b ON a.s = b.s AND a.n < b.n") {
		equal[pair] = true
	}
	wrong := 0
	for i := range texts {
		for j := i + 1; j < len(texts); j++ {
			if want := equal[fmt.Sprintf("%d|%d", i, j)]; want != (forms[i] == forms[j]) && wrong < 5 {
				wrong++
				t.Errorf("%s: equality of %q and %q is %t for the server; their forms are %q and %q", collation, texts[i], texts[j], want, forms[i], forms[j])
			}
		}
	}
}

// The fast way, without asking, is right for every pair of printable characters.
func TestKeyFormsOfPairs(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		asked := 0
		forms := mysql.NewKeyForms(func(ctx context.Context, sql string) ([]change.Image, error) {
			asked++
			return ask(conn)(ctx, sql)
		})
		fast := 0
		for _, collation := range rowsOf(t, conn, flavor) {
			charset, _, _ := strings.Cut(collation, "_")
			form, err := forms.Collation(t.Context(), charset, collation)
			if err != nil {
				continue
			}
			before := asked
			if _, err := form.Of(t.Context(), "Ab"); err != nil {
				t.Fatal(err)
			}
			if asked != before || strings.HasSuffix(collation, "_bin") {
				continue // the server is asked
			}
			fast++
			differ(t, conn, charset, collation)
		}
		t.Logf("%d collations have the fast way", fast)
		if fast < 10 {
			t.Error("the fast way is hardly ever taken")
		}
	})
}

func rowsOf(t *testing.T, conn *mysql.Conn, flavor testserver.Flavor) []string {
	return rows(t, conn, "SELECT DISTINCT "+full(flavor)+" FROM information_schema.collation_character_set_applicability WHERE "+full(flavor)+
		" LIKE '%\\_ci' AND character_set_name NOT IN ('ucs2', 'utf16', 'utf16le', 'utf32', 'utf8mb3') ORDER BY 1") // these have utf8mb4's weights
}

// differ looks for a pair of printable characters whose weights aren't the characters' weights.
func differ(t *testing.T, conn *mysql.Conn, charset, collation string) {
	t.Helper()
	sql := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 32 UNION ALL SELECT i + 1 FROM n WHERE i < 126),
		c (i, s) AS (SELECT i, convert(char(i USING ascii) USING %s) COLLATE %s FROM n)
		SELECT x.i, y.i FROM c x CROSS JOIN c y
		WHERE weight_string(concat(x.s, y.s)) <> concat(weight_string(x.s), weight_string(y.s)) LIMIT 3`, charset, collation)
	if found := rows(t, conn, sql); len(found) > 0 {
		t.Errorf("%s: the weights of these pairs aren't their characters': %v", collation, found)
	}
}

func TestKeyFormsAreReadable(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		forms := mysql.NewKeyForms(ask(conn))
		for collation, want := range map[string]string{"utf8mb4_general_ci": "elan@example.com", "utf8mb4_bin": "Élan@Example.com"} {
			form, err := forms.Collation(t.Context(), "utf8mb4", collation)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := form.Of(t.Context(), "Élan@Example.com  "); got != want || err != nil {
					t.Errorf("%s: %q (%v), want %q", collation, got, err, want)
				}
			}
		}
		if _, err := forms.Collation(t.Context(), "utf8mb4", "utf8mb4_klingon_ci"); err == nil {
			t.Error("there's a collation utf8mb4_klingon_ci")
		}
	})
}
