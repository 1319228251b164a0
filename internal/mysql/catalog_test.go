package mysql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
)

func TestCatalog(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, db := open(t, flavor)
		exec(t, conn, `
			CREATE TABLE parent (id bigint unsigned AUTO_INCREMENT PRIMARY KEY);
			CREATE TABLE child (
				a int NOT NULL, b varchar(30) CHARACTER SET latin1 NOT NULL DEFAULT 'it''s', c decimal(10,2) unsigned NULL DEFAULT NULL,
				d enum('x','it''s',',') COLLATE utf8mb4_bin, e set('m','n'), f bit(7), g varbinary(9) DEFAULT x'00', h timestamp(3) NULL ON UPDATE CURRENT_TIMESTAMP(3),
				i int AS (a + 1) STORED, j int AS (a + 2) VIRTUAL, k int INVISIBLE DEFAULT 5, l text, m float, n year, o json, p bigint unsigned NOT NULL,
				q datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), r time(2), s tinyint(1) NOT NULL,
				PRIMARY KEY (b, a), UNIQUE u (c), UNIQUE pre (l(5)), KEY plain (n),
				CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
			CREATE TABLE keyless (a int);
			CREATE VIEW v AS SELECT * FROM parent;
			CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW SET NEW.m = 1`)
		tables, err := mysql.LoadCatalog(t.Context(), conn, func(n change.TableName) bool { return n.Schema == db.Name })
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range tables {
			names = append(names, x.Name+" "+x.Kind)
		}
		if got := fmt.Sprint(names); got != "[child BASE TABLE keyless BASE TABLE parent BASE TABLE v VIEW]" {
			t.Fatalf("tables are %s", got)
		}
		child := tables[0]
		var got strings.Builder
		for _, c := range child.Columns {
			fmt.Fprintf(&got, "%s %s %d %d %d %s", c.Name, c.Type, c.Length, c.Precision, c.Scale, c.Charset)
			for i, is := range []bool{c.Nullable, c.Generated, c.Invisible, c.OnUpdate} {
				if is {
					got.WriteString([]string{" null", " generated", " invisible", " clock"}[i])
				}
			}
			got.WriteString("; ")
		}
		for _, want := range []string{"a int 0 10 0 ;", "b varchar 30 0 0 latin1;", "c decimal unsigned 0 10 2  null", "d enum 4 0 0 utf8mb4 null", "f bit 0 7 0  null", "g varbinary 9 0 0  null",
			"h timestamp 0 3 0 ", " clock", "i int 0 10 0  null generated", "j int 0 10 0  null generated", "k int 0 10 0 ", " invisible",
			"l text 65535 0 0 utf8mb4 null", "p bigint unsigned 0 20 0 ;", "q datetime 0 6 0 ;", "r time 0 2 0  null", "s tinyint 0 3 0 ;"} {
			if !strings.Contains(got.String(), want) {
				t.Errorf("columns lack %q: %s", want, got.String())
			}
		}
		if d := child.Column("D"); d == nil || !slices.Equal(d.Labels, []string{"x", "it's", ","}) || d.Collation != "utf8mb4_bin" {
			t.Errorf("enum is %+v", d)
		}
		for name, want := range map[string]bool{"a": true, "c": false, "b": false, "k": false} {
			if c := child.Column(name); c.Default.IsAbsent() != want {
				t.Errorf("default of %s is %v", name, c.Default)
			}
		}
		if c := child.Column("c").Default; !c.IsNull() {
			t.Errorf("default of c is %v", c)
		}
		key := child.PrimaryKey()
		if key == nil || !slices.Equal(key.Columns, []string{"b", "a"}) || key.Prefix || len(child.Indexes) != 3 {
			t.Errorf("indexes are %+v", child.Indexes)
		} else if pre, u := child.Indexes[1], child.Indexes[2]; pre.Name != "pre" || !pre.Prefix || u.Name != "u" || u.Prefix {
			t.Errorf("indexes are %+v", child.Indexes)
		}
		if len(child.ForeignKeys) != 1 || !child.ForeignKeys[0].Cascades() || child.ForeignKeys[0].Parent != tables[2].TableName ||
			!slices.Equal(child.ForeignKeys[0].Columns, []string{"p"}) || !slices.Equal(child.ForeignKeys[0].Refers, []string{"id"}) {
			t.Errorf("foreign keys are %+v", child.ForeignKeys)
		}
		if len(child.Triggers) != 1 || child.Triggers[0].Name != "tr" || !strings.Contains(child.Triggers[0].Body, "NEW.m = 1") {
			t.Errorf("triggers are %+v", child.Triggers)
		}
		if tables[1].PrimaryKey() != nil || !tables[2].Column("id").AutoIncrement {
			t.Error("keys of the other tables")
		}
	})
}

// The rules of foreign keys are told to an account that has privileges on the tables alone, too.
func TestForeignKeys(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, db := open(t, flavor)
		exec(t, conn, "CREATE TABLE parent (id int PRIMARY KEY, `a\n ON DELETE CASCADE ``b` int NOT NULL, UNIQUE (`a\n ON DELETE CASCADE ``b`));"+
			"CREATE TABLE child (id int PRIMARY KEY, a int, b int, c int,"+
			"CONSTRAINT one FOREIGN KEY (a) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE SET NULL,"+
			"CONSTRAINT `t``wo` FOREIGN KEY (b) REFERENCES parent (`a\n ON DELETE CASCADE ``b`) ON UPDATE CASCADE,"+
			"CONSTRAINT three FOREIGN KEY (c) REFERENCES parent (ID) ON DELETE NO ACTION)")
		account := fmt.Sprintf("'%s'@'%%'", db.Name[max(0, len(db.Name)-30):])
		exec(t, conn, "CREATE USER "+account+" IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON child TO "+account+"; GRANT SELECT ON parent TO "+account)
		defer exec(t, conn, "DROP USER "+account)
		limited := connect(t, mysql.Server{Host: db.Server.Host(), Port: uint16(db.Server.Port()), User: db.Name[max(0, len(db.Name)-30):], Password: "secret"}, mysql.Session{})
		for _, conn := range []*mysql.Conn{conn, limited} {
			tables, err := mysql.LoadCatalog(t.Context(), conn, func(n change.TableName) bool { return n.Schema == db.Name })
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range tables[0].ForeignKeys {
				got = append(got, fmt.Sprintf("%s %v %s %v %s %s", f.Name, f.Columns, f.Parent.Name, f.Refers, f.OnDelete, f.OnUpdate))
			}
			for i := range got { // to the engine they're one, and servers tell them apart as they like
				got[i] = strings.ReplaceAll(strings.ReplaceAll(got[i], "NO ACTION", "RESTRICT"), "ID", "id")
			}
			want := []string{"one [a] parent [id] CASCADE SET NULL", "t`wo [b] parent [a\n ON DELETE CASCADE `b] RESTRICT CASCADE", "three [c] parent [id] RESTRICT RESTRICT"}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("foreign keys are %q, want %q", got, want)
			}
		}
	})
}

func TestVariables(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		v, err := mysql.Variables(t.Context(), conn, "log_bin", "binlog_row_image", "no_such_variable")
		if err != nil || len(v) != 2 || v["log_bin"] != "ON" || v["binlog_row_image"] != "FULL" {
			t.Errorf("%v, %v", v, err)
		}
	})
}

func FuzzLabels(f *testing.F) {
	for _, seed := range []string{"", "enum('a','b')", "set('it''s','')", "enum(", "enum('", "enum('a", "enum('''')"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, full string) {
		labels := mysql.Labels(full)
		quoted := make([]string, len(labels))
		for i, l := range labels {
			quoted[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
		}
		if again := mysql.Labels("enum(" + strings.Join(quoted, ",") + ")"); !slices.Equal(again, labels) {
			t.Errorf("%q is %q, written and read again %q", full, labels, again)
		}
	})
}
