package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
)

// privilegeErrors are the server's numbers for what an account may not do.
var privilegeErrors = []uint16{1044, 1045, 1142, 1143, 1227, 1370, 1410}

// grant is one line of SHOW GRANTS.
type grant struct {
	privileges []string // in capitals; ALL PRIVILEGES is one
	on         string   // *.*, `shop`.*, `shop`.`users`
}

func loadGrants(ctx context.Context, conn *mysql.Conn) ([]grant, error) {
	result, err := conn.One(ctx, "SHOW GRANTS")
	if err != nil {
		return nil, err
	}
	var grants []grant
	for _, row := range result.Rows {
		line, _ := row[0].Text()
		if g, ok := parseGrant(line); ok {
			grants = append(grants, g)
		}
	}
	return grants, nil
}

// parseGrant reads "GRANT SELECT, INSERT ON `shop`.* TO …". A role's grant has no ON, and privileges on
// columns are left out: they aren't enough.
func parseGrant(line string) (g grant, ok bool) {
	list, ok := strings.CutPrefix(line, "GRANT ")
	list, on, found := strings.Cut(list, " ON ")
	if !ok || !found {
		return grant{}, false
	}
	end := 0
	for quoted := false; end < len(on) && (quoted || on[end] != ' '); end++ {
		if on[end] == '`' {
			quoted = !quoted
		}
	}
	g.on = on[:end]
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSpace(p); !strings.Contains(p, "(") {
			g.privileges = append(g.privileges, strings.ToUpper(p))
		}
	}
	return g, true
}

// has reports whether the account's own grants (not those of its roles) give a privilege on a table, or
// on all of a database when the table has no name. An empty database asks for the whole server.
func (c *checker) has(privilege string, t change.TableName) bool {
	places := []string{"*.*"}
	if t.Schema != "" {
		pattern := strings.NewReplacer("_", `\_`, "%", `\%`).Replace(t.Schema)
		places = append(places, mysql.Quote(t.Schema)+".*", mysql.Quote(pattern)+".*")
	}
	if t.Name != "" {
		places = append(places, mysql.QuoteTable(t))
	}
	return slices.ContainsFunc(c.grants, func(g grant) bool {
		return slices.Contains(places, g.on) &&
			(slices.Contains(g.privileges, privilege) || slices.Contains(g.privileges, "ALL PRIVILEGES") || slices.Contains(g.privileges, "ALL"))
	})
}

func (c *checker) object() string { return "account " + c.account }

// grantee is the account in SQL.
func (c *checker) grantee() string {
	at := strings.LastIndexByte(c.account, '@')
	return mysql.Literal(c.account[:at]) + "@" + mysql.Literal(c.account[at+1:])
}

// rights checks what reading the log needs.
func (c *checker) rights(ctx context.Context) error {
	var missing bool
	if c.mariadb() { // no statement needs just this privilege there
		missing = !c.has("REPLICATION SLAVE", change.TableName{})
	} else {
		_, err := c.conn.Exec(ctx, "SHOW REPLICAS")
		missing = mysql.IsError(err, privilegeErrors...)
		if err != nil && !missing {
			return err
		}
	}
	if missing {
		c.add(preflight.Error, c.object(), "may not read the log", "GRANT REPLICATION SLAVE ON *.* TO "+c.grantee()+";")
	}
	return nil
}

// node looks at bridge's own database: whether it's this region's, or can be made.
func (c *checker) node(ctx context.Context) error {
	n, err := mysql.LoadNode(ctx, c.conn)
	switch {
	case errors.Is(err, mysql.ErrNotInstalled), mysql.IsError(err, privilegeErrors...):
		if !c.has("CREATE", change.TableName{Schema: "bridge"}) {
			c.add(preflight.Error, "database bridge", "is missing, and "+c.account+" may not create it and its tables", "GRANT ALL PRIVILEGES ON bridge.* TO "+c.grantee()+";")
		} else {
			c.addForInit("database bridge", "this server isn't set up yet")
		}
		return nil
	case err != nil:
		return err
	}
	c.initialised = true
	if err := n.Match(c.Cluster, c.Region); err != nil {
		c.add(preflight.Error, "bridge.node", err.Error(), "")
	}
	return nil
}

// privileges checks what apply needs on each table. Explaining a statement asks for its privileges and
// runs nothing.
func (c *checker) privileges(ctx context.Context) error {
	for _, t := range c.tables {
		name := mysql.QuoteTable(t.TableName)
		column := mysql.Quote(t.Columns[0].Name)
		var missing []string
		for _, try := range [][2]string{
			{"SELECT", "EXPLAIN SELECT 1 FROM " + name},
			{"INSERT", "EXPLAIN INSERT INTO " + name + " (" + column + ") VALUES (NULL)"},
			{"UPDATE", "EXPLAIN UPDATE " + name + " SET " + column + " = NULL WHERE 1 = 0"},
			{"DELETE", "EXPLAIN DELETE FROM " + name + " WHERE 1 = 0"},
		} {
			_, err := c.conn.Exec(ctx, try[1])
			switch {
			case mysql.IsError(err, privilegeErrors...):
				missing = append(missing, try[0])
			case c.conn.Broken():
				return err
			}
		}
		if len(missing) > 0 {
			list := strings.Join(missing, ", ")
			c.add(preflight.Error, t.String(), fmt.Sprintf("%s lacks %s", c.account, list), "GRANT "+list+" ON "+name+" TO "+c.grantee()+";")
		}
	}
	return nil
}
