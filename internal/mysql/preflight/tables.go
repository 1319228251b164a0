package preflight

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
	"bridge/value"
)

// loadTables finds the selected tables and says which can't be replicated at all.
func (c *checker) loadTables(ctx context.Context) error {
	all, err := mysql.LoadCatalog(ctx, c.conn, c.Selected)
	if err != nil {
		return err
	}
	var skipped, partitioned []string
	for _, t := range all {
		name := mysql.QuoteTable(t.TableName)
		switch {
		case t.Kind == "SYSTEM VERSIONED":
			c.add(preflight.Error, t.String(), "is system-versioned: the server adds rows of its own to the log for its history",
				"ALTER TABLE "+name+" DROP SYSTEM VERSIONING; or exclude it under tables.exclude")
		case t.Kind != "BASE TABLE":
			skipped = append(skipped, t.String())
		case !strings.EqualFold(t.Engine, "InnoDB"):
			c.add(preflight.Error, t.String(), "has storage engine "+t.Engine+": it takes part in no transaction",
				"ALTER TABLE "+name+" ENGINE = InnoDB; or exclude it under tables.exclude")
		case replicable(t):
			c.tables = append(c.tables, t)
			if t.Partitioned {
				partitioned = append(partitioned, t.String())
			}
		}
	}
	if len(partitioned) > 0 {
		c.add(preflight.Note, "partitions", "are changed in every region by hand, as all schemas are; TRUNCATE, EXCHANGE and CONVERT PARTITION stop the region's stream, "+
			"for the log doesn't tell the rows: "+strings.Join(partitioned, ", "), "")
	}
	if len(skipped) > 0 {
		c.add(preflight.Note, "views and sequences", "are not replicated: "+strings.Join(skipped, ", "), "")
	}
	if len(c.tables) == 0 {
		c.add(preflight.Error, "tables", "no table that "+c.account+" sees matches tables.include", "correct the patterns, create the tables first, or run what \"bridge grants\" prints")
	}
	return nil
}

// replicable reports whether a table can be replicated. Of one without columns the account may see no more than the name.
func replicable(t *mysql.Table) bool {
	return t.Kind == "BASE TABLE" && strings.EqualFold(t.Engine, "InnoDB") && len(t.Columns) > 0
}

// keys checks that every table has a key, and which of its values are equal without being the same.
func (c *checker) keys(ctx context.Context) error {
	forms := mysql.NewKeyForms(func(ctx context.Context, sql string) ([]change.Image, error) {
		r, err := c.conn.One(ctx, sql)
		return r.Rows, err
	})
	for _, t := range c.tables {
		if c.key(t) {
			keyed, err := c.keyColumns(ctx, t, forms)
			if err != nil {
				return err
			}
			if keyed {
				c.keyed = append(c.keyed, t.TableName)
			}
		}
	}
	return nil
}

const orExclude = " or exclude it under tables.exclude"

// key checks the primary key as a whole.
func (c *checker) key(t *mysql.Table) bool {
	key := t.PrimaryKey()
	switch {
	case key == nil:
		c.add(preflight.Error, t.String(), "has no primary key: nothing names its rows", "ALTER TABLE "+mysql.QuoteTable(t.TableName)+" ADD PRIMARY KEY (...);"+orExclude)
		return false
	case key.Prefix:
		c.add(preflight.Error, t.String(), "has a primary key of which only the first characters of a column count, or an expression", "make the key of whole columns,"+orExclude)
		return false
	}
	return true
}

func (c *checker) keyColumns(ctx context.Context, t *mysql.Table, forms *mysql.KeyForms) (keyed bool, err error) {
	keyed = true
	for _, name := range t.PrimaryKey().Columns {
		k := t.Column(name)
		object := t.String()
		if k.Generated {
			keyed = false
			c.add(preflight.Error, object, fmt.Sprintf("key column %q is generated, and can't be written", name), "use another key;"+orExclude)
		}
		if err := c.checkKey(k); err != nil {
			keyed = false
			c.add(preflight.Error, object, fmt.Sprintf("key column %q: %v", name, err), "use another key;"+orExclude)
			continue
		}
		if k.Collation == "" || k.Type == "enum" || k.Type == "set" {
			continue
		}
		_, err := forms.Collation(ctx, k.Charset, k.Collation)
		switch {
		case c.conn.Broken():
			return false, err
		case err != nil:
			keyed = false
			c.add(preflight.Error, object, fmt.Sprintf("key column %q: %v", name, err), "use another key;"+orExclude)
		case !strings.HasSuffix(k.Collation, "_bin"):
			c.add(preflight.Warning, object, fmt.Sprintf("key column %q has collation %s, under which different texts name one row; a region with another collation, and every PostgreSQL region, has a row for each", name, k.Collation),
				"give the column a binary collation, such as utf8mb4_bin, in every region, or see to it that applications always write a key alike")
		}
	}
	return keyed, nil
}

// checkKey refuses a key column of which another region's engine may hold other values equal: as capture does.
func (c *checker) checkKey(k *mysql.Column) error {
	if len(c.Others) == 0 {
		return nil
	}
	engine := value.MySQL
	if c.mariadb() {
		engine = value.MariaDB
	}
	own, err := value.OnWire(engine, k.Type)
	if err != nil {
		return err
	}
	own.Charset, own.Collation = k.Charset, k.Collation
	return value.CheckKey(own, c.Others...)
}

// triggers finds those that run for applied rows, too: the server can't switch them off for a session.
func (c *checker) triggers(context.Context) error {
	var unseen []string
	for _, t := range c.tables {
		if !c.has("TRIGGER", t.TableName) {
			unseen = append(unseen, t.String())
		}
		for _, trigger := range t.Triggers {
			if guarded(trigger.Body) || c.AllowTrigger != nil && c.AllowTrigger(t.TableName, trigger.Name) {
				continue
			}
			c.add(preflight.Error, t.String(), fmt.Sprintf("trigger %q runs again for rows that bridge applies: what it changes comes twice, or makes regions differ", trigger.Name),
				"let its body begin with IF @bridge_apply IS NULL THEN and end with END IF;")
		}
	}
	if len(unseen) > 0 {
		c.add(preflight.Warning, c.object(), "has no TRIGGER privilege of its own, so triggers may go unseen on "+strings.Join(unseen, ", "),
			"run what \"bridge grants\" prints, or \"bridge check\" as an administrator")
	}
	return nil
}

// guarded reports whether a trigger looks at the variable that is set in bridge's sessions. What it does
// then is its own affair.
func guarded(body string) bool { return strings.Contains(strings.ToLower(body), "@bridge_apply") }

// foreignKeys finds those whose effects aren't in the log.
func (c *checker) foreignKeys(context.Context) error {
	if mysql.CascadesLogged(c.conn, c.variables["innodb_native_foreign_keys"]) {
		return nil
	}
	for _, t := range c.tables {
		for _, f := range t.Cascades() {
			c.add(preflight.Error, t.String(), f.String(), mysql.CascadeFix(c.conn))
		}
	}
	return nil
}

// autoIncrement finds tables whose rows the server numbers. Two regions that count alone give out the same
// numbers; stepping by the number of regions, each from its own remainder, they never do.
func (c *checker) autoIncrement(context.Context) error {
	n := len(c.Regions)
	if n < 2 {
		return nil
	}
	mine := slices.Index(c.Regions, c.Region) + 1
	step, err := strconv.Atoi(c.variables["auto_increment_increment"])
	if err != nil {
		return fmt.Errorf("auto_increment_increment: %w", err)
	}
	if step >= n && c.variables["auto_increment_offset"] == strconv.Itoa(mine) { // a larger step leaves room for more regions
		return nil
	}
	var columns []string
	for _, t := range c.tables {
		for _, column := range t.Columns {
			if column.AutoIncrement {
				columns = append(columns, t.String()+"."+column.Name)
			}
		}
	}
	if len(columns) > 0 {
		c.add(preflight.Warning, "server", "numbers rows by AUTO_INCREMENT, which each region counts alone: two regions would give out the same number; in "+strings.Join(columns, ", "),
			fmt.Sprintf("in this region: SET GLOBAL auto_increment_increment = %d; SET GLOBAL auto_increment_offset = %d; put both into the option file, and let applications connect anew", n, mine))
	}
	return nil
}
