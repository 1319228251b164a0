package value

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

// store is a server's table with one column, to see what becomes of texts there.
type store interface {
	// keep writes the texts to rows of a new table with a column of a type, and reads them again.
	keep(typ Type, declaration string, texts []string) ([]string, error)
}

// TestServersHoldWhatIsCarried writes what plans let through to columns of real servers and reads it again: it's
// there to the letter, or in its normal form where the server has its own (MariaDB prints -0 as 0). So the limits aren't too wide, and
// canonical texts are what servers print.
func TestServersHoldWhatIsCarried(t *testing.T) {
	stores := map[Engine]store{
		Postgres: newPostgresStore(t),
		MySQL:    newMySQLStore(t, testserver.FlavorMySQL),
		MariaDB:  newMySQLStore(t, testserver.FlavorMariaDB),
	}
	seed := rand.Int()
	t.Logf("seed %d", seed)
	types := allColumns(t)
	for _, column := range columns {
		to := types[column]
		if !to.Declared || to.Class == Opaque {
			continue
		}
		engines := []Engine{to.Engine}
		if to.Engine == MySQL && to.Class != JSON {
			engines = append(engines, MariaDB)
		}
		texts := carriedTo(t, column, types, seed)
		for _, engine := range engines {
			t.Run(string(engine)+"/"+column, func(t *testing.T) { checkKept(t, stores[engine], column, to, texts) })
		}
	}
}

// carriedTo draws texts of every type that the column takes, and carries them: with the edges, which come often.
func carriedTo(t *testing.T, column string, types map[string]Type, seed int) (texts []string) {
	for name, from := range types {
		p, err := NewPlan(from, types[column], RefuseValue)
		if err != nil || from.Class == Opaque || p == nil && !from.Declared {
			continue // unlimited text to a column of its own name: the server refuses what's too long
		}
		draw := rapid.Custom(func(t *rapid.T) string { return drawText(t, from) })
		draws := 12
		if name == column {
			draws = 60
		}
		for i := range draws {
			v, err := p.Apply(draw.Example(seed + i))
			if text, ok := v.Text(); err == nil && ok {
				texts = append(texts, text)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func checkKept(t *testing.T, s store, column string, to Type, texts []string) {
	_, declaration, _ := strings.Cut(column, " ")
	got, err := s.keep(to, declaration, texts)
	if err != nil {
		for _, text := range texts { // which one was it?
			if _, err := s.keep(to, declaration, []string{text}); err != nil {
				t.Errorf("%q is carried to %s, and refused there: %v", text, column, err)
			}
		}
		return
	}
	for i, text := range texts {
		if got[i] == text {
			continue
		}
		if to.Class != JSON && to.Class != Inet && to.Class != Array && to.Class != Float || normal(to, got[i]) != normal(to, text) {
			t.Errorf("%q is carried to %s, and kept as %q", text, column, got[i])
		}
	}
}

type postgresStore struct{ conn *pgconn.PgConn }

func newPostgresStore(t *testing.T) store {
	db := servertest.Database(t, 15)
	servertest.Exec(t, db.SocketDSN(), `CREATE TYPE public.mood AS ENUM ('a', 'b c', 'é')`)
	config, err := pgx.ParseConfig(db.SocketDSN())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"DateStyle": "ISO, MDY", "TimeZone": "UTC", "IntervalStyle": "postgres", "extra_float_digits": "3", "bytea_output": "hex"} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return &postgresStore{conn.PgConn()}
}

func (s *postgresStore) keep(typ Type, declaration string, texts []string) ([]string, error) {
	declaration, _, _ = strings.Cut(declaration, " LABELS")
	values := make([]string, len(texts))
	for i, text := range texts {
		values[i] = "('" + strings.ReplaceAll(text, "'", "''") + "')"
	}
	sql := fmt.Sprintf("DROP TABLE IF EXISTS kept; CREATE TABLE kept (c %s); INSERT INTO kept VALUES %s RETURNING c", declaration, strings.Join(values, ", "))
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		return nil, err
	}
	kept := make([]string, len(texts))
	for i, row := range results[len(results)-1].Rows {
		kept[i] = string(row[0])
	}
	return kept, nil
}

type mysqlStore struct {
	conn    *client.Conn
	mariadb bool
}

func newMySQLStore(t *testing.T, flavor testserver.Flavor) store {
	db := servertest.MySQLDatabase(t, flavor)
	conn := servertest.ConnectMySQL(t, db.Server, db.Name)
	const settings = "SET time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
	for _, sql := range []string{"SET NAMES utf8mb4 COLLATE utf8mb4_bin", settings} {
		if _, err := conn.Execute(sql); err != nil {
			t.Fatal(err)
		}
	}
	return &mysqlStore{conn, flavor == testserver.FlavorMariaDB}
}

func (s *mysqlStore) keep(typ Type, declaration string, texts []string) ([]string, error) {
	declaration, json := strings.CutSuffix(declaration, " JSON")
	base, collation, collated := strings.Cut(declaration, " COLLATE ")
	switch {
	case json:
		declaration += " NULL CHECK (json_valid(c))"
	case collated:
		charset, _, _ := strings.Cut(collation, "_")
		declaration = base + " CHARACTER SET " + charset + " COLLATE " + collation
	case typ.Class == Text || typ.Class == Enum || typ.Class == Set:
		declaration += " CHARACTER SET utf8mb4"
	case typ.Class == Instant:
		declaration += " NULL" // without a default of its own
	}
	values := make([]string, len(texts))
	for i, text := range texts {
		values[i] = fmt.Sprintf("(%d, %s)", i, mysqlLiteral(typ, text))
	}
	for _, sql := range []string{"DROP TABLE IF EXISTS kept", "CREATE TABLE kept (i int PRIMARY KEY, c " + declaration + ")", "INSERT INTO kept VALUES " + strings.Join(values, ", ")} {
		if _, err := s.conn.Execute(sql); err != nil {
			return nil, err
		}
	}
	result, err := s.conn.Execute("SELECT " + mysqlExpression(typ) + " FROM kept ORDER BY i")
	if err != nil {
		return nil, err
	}
	kept := make([]string, len(texts))
	for i := range kept {
		if typ.Class == Float {
			f, err := result.GetFloat(i, 0)
			if err != nil {
				return nil, err
			}
			kept[i] = formatFloat(f, typ)
			continue
		}
		text, err := result.GetString(i, 0)
		if err != nil {
			return nil, err
		}
		if kept[i], err = mysqlCanonical(typ, text); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func mysqlLiteral(typ Type, text string) string {
	switch typ.Class {
	case Binary:
		return "x'" + text[2:] + "'"
	case BitString:
		return "b'" + text + "'"
	case Instant:
		text = strings.TrimSuffix(text, "+00")
	case Float: // a FLOAT's shortest text, read as a DOUBLE, can be beyond the greatest FLOAT
		f, err := strconv.ParseFloat(text, typ.Bits)
		if err != nil {
			return err.Error()
		}
		text = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\x00", `\0`).Replace(text) + "'"
}

// mysqlExpression is the column's value in a text that has all of it.
func mysqlExpression(typ Type) string {
	switch typ.Class {
	case Binary:
		return "HEX(c)"
	case BitString:
		return fmt.Sprintf("LPAD(BIN(c), %d, '0')", typ.Length)
	case Float:
		return "c * 1e0" // as a DOUBLE, of which the server shows all digits
	}
	return "CONVERT(CAST(c AS CHAR) USING utf8mb4)"
}

// mysqlCanonical is the server's text in the form that bridge's capture gives it.
func mysqlCanonical(typ Type, text string) (string, error) {
	switch typ.Class {
	case Binary:
		raw, err := hex.DecodeString(text)
		return `\x` + hex.EncodeToString(raw), err
	case Interval, DateTime, Instant:
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		if typ.Class == Instant {
			text += "+00"
		}
	}
	return text, nil
}
