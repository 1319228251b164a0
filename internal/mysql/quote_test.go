package mysql_test

import (
	"context"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver/servertest"
)

// Whatever a text is, the server reads it back as it was, and nothing of it as SQL.
func FuzzLiteral(f *testing.F) {
	for _, seed := range []string{"", "'", `\`, `\'`, "''", "a\x00b", "\x1a", "é😀", "-- x", "/*", "`", `"`, "%_", "\r\n", "\\\\'; DROP DATABASE x; -- "} {
		f.Add(seed)
	}
	var conns []*mysql.Conn
	for _, flavor := range servertest.Flavors {
		db := servertest.MySQLDatabase(f, flavor)
		conn, err := admin(db.Server).Connect(context.Background(), mysql.Session{Name: "bridge/test"})
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(conn.Close)
		conns = append(conns, conn)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, conn := range conns {
			results, err := conn.Exec(t.Context(), "SELECT "+mysql.HexLiteral([]byte(s))+", 1 AS "+mysql.Quote("c"+names(s)))
			if err != nil || results[0].Rows[0][0] != change.Text(s) {
				t.Fatalf("%q as hex: %v, %v", s, results, err)
			}
			if !utf8.ValidString(s) {
				continue
			}
			results, err = conn.Exec(t.Context(), "SELECT "+mysql.Literal(s))
			if err != nil || len(results) != 1 || results[0].Rows[0][0] != change.Text(s) {
				t.Fatalf("%q came back as %v, %v", s, results, err)
			}
		}
	})
}

// names makes any text something that may be in an identifier, which has no NUL, no character beyond
// the basic plane and 256 characters at most as an alias.
func names(s string) string {
	var out []rune
	for _, r := range s {
		if r != 0 && r < 0xd800 && len(out) < 60 {
			out = append(out, r)
		}
	}
	return string(out) + "."
}

func TestBinlogPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) mysql.BinlogPosition {
			return mysql.BinlogPosition{File: rapid.Uint32Max(1<<24-1).Draw(t, label+" file"), Offset: rapid.Uint64Max(1<<40-1).Draw(t, label+" offset")}
		}
		p, q := draw("p"), draw("q")
		a, errA := p.Encode()
		b, errB := q.Encode()
		if errA != nil || errB != nil || mysql.DecodePosition(a) != p {
			t.Errorf("%v came back as %v (%v, %v)", p, mysql.DecodePosition(a), errA, errB)
		}
		if want := p.Compare(q); (want < 0) != (a < b) || (want == 0) != (a == b) {
			t.Errorf("order of %v and %v is %d, of the numbers %d and %d another", p, q, want, a, b)
		}
		base, number, err := mysql.ParseBinlogFile(p.FileName("a.b"))
		if p.File > 0 && (err != nil || base != "a.b" || number != p.File) {
			t.Errorf("%s is %s, %d (%v)", p.FileName("a.b"), base, number, err)
		}
	})
	for _, p := range []mysql.BinlogPosition{{File: 1 << 24}, {Offset: 1 << 40}} {
		if _, err := p.Encode(); err == nil {
			t.Errorf("%v was encoded", p)
		}
	}
	for _, name := range []string{"", "binlog", "binlog.", "binlog.1", "binlog.00000x", ".000001", "binlog.000000", "binlog.index"} {
		if _, _, err := mysql.ParseBinlogFile(name); err == nil {
			t.Errorf("%q was taken for a binary log", name)
		}
	}
	if base, n, err := mysql.ParseBinlogFile("binlog.1000000"); base != "binlog" || n != 1_000_000 || err != nil {
		t.Errorf("the millionth: %s %d %v", base, n, err)
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]struct {
		flavor  mysql.Flavor
		version mysql.Version
	}{
		"9.7.4-2":                          {mysql.MySQL, mysql.Version{9, 7, 4}},
		"8.4.0":                            {mysql.MySQL, mysql.Version{8, 4, 0}},
		"5.5.5-10.11.19-MariaDB-0+deb12u1": {mysql.MariaDB, mysql.Version{10, 11, 19}},
		"11.4.2-MariaDB-log":               {mysql.MariaDB, mysql.Version{11, 4, 2}},
		"8.0.36-28":                        {mysql.MySQL, mysql.Version{8, 0, 36}},
	} {
		flavor, version, err := mysql.ParseVersion(text)
		if err != nil || flavor != want.flavor || version != want.version {
			t.Errorf("%s is %v %v (%v)", text, flavor, version, err)
		}
	}
	for _, text := range []string{"", "x", "9.7", "9..1"} {
		if _, _, err := mysql.ParseVersion(text); err == nil {
			t.Errorf("%q was taken for a version", text)
		}
	}
	if v := (mysql.Version{10, 11, 3}); !v.AtLeast(10, 11, 3) || v.AtLeast(10, 11, 4) || v.AtLeast(11, 0, 0) || !v.AtLeast(9, 99, 99) || v.AtLeast(10, 12, 0) {
		t.Error("order of versions")
	}
}
