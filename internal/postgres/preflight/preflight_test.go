package preflight_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/postgres/preflight"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/value"
)

// versions are the oldest and newest server that the tests have.
var versions = []int{15, 18}

// bench is a database with the least-privileged role that "bridge grants" makes.
type bench struct {
	t        *testing.T
	db       servertest.DB
	role     string
	settings preflight.Settings
}

func setup(t *testing.T, version int) *bench {
	db := servertest.Database(t, version)
	b := &bench{t: t, db: db, role: "role_" + db.Name}
	b.settings = preflight.Settings{
		Cluster: "shop", Region: "eu", Regions: []string{"ap", "eu", "us"},
		Slot: "slot_" + db.Name, Publication: "bridge", Connections: 8,
		Selected: func(n change.TableName) bool { return n.Schema != "private" },
	}
	t.Cleanup(func() { b.dropRole() })
	return b
}

// dropRole removes what the role left outside its database.
func (b *bench) dropRole() {
	b.admin(`DO $$ BEGIN
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = '` + b.role + `') THEN
			SET LOCAL search_path = pg_catalog;
			PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database();
			EXECUTE 'DROP OWNED BY ` + b.role + ` CASCADE';
			EXECUTE 'DROP ROLE ` + b.role + `';
		END IF;
	END $$`)
}

// administering: GRANT and REVOKE ON PARAMETER and DROP OWNED write one row of a catalog that all databases of a
// server share, and fail when another does at the same time.
var administering sync.Mutex

// admin runs SQL as the superuser, with psql as a DBA would.
func (b *bench) admin(sql string) {
	b.t.Helper()
	administering.Lock()
	defer administering.Unlock()
	cmd := exec.Command(b.db.Server.Bin("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", b.db.SocketDSN())
	cmd.Stdin = strings.NewReader(sql)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("psql: %v\n%s", err, out)
	}
}

func (b *bench) grant() {
	b.t.Helper()
	var sql bytes.Buffer
	err := postgres.Grants{Role: b.role, Database: b.db.Name, Publication: b.settings.Publication,
		Include: [][2]string{{"^.*$", "^.*$"}}, Exclude: [][2]string{{"^private$", "^.*$"}},
		SkipApplied: b.settings.SkipApplied > 0}.Write(&sql)
	if err != nil {
		b.t.Fatal(err)
	}
	b.admin(sql.String())
}

func (b *bench) connect() *pgx.Conn {
	b.t.Helper()
	config, err := postgres.Server{URL: b.db.Server.SocketDSN(b.db.Name, b.role)}.Config(postgres.Session{Name: "bridge/eu/check"})
	if err != nil {
		b.t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(b.t.Context(), config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close(b.t.Context()) })
	return conn
}

func (b *bench) check(conn *pgx.Conn) *preflight.Report {
	b.t.Helper()
	report, err := preflight.Run(b.t.Context(), conn, b.settings)
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}

func list(r *preflight.Report) string {
	var s strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&s, "%s: %s: %s -> %s\n", f.Level, f.Object, f.Text, f.Fix)
	}
	return s.String()
}

const shop = `
CREATE SCHEMA sales; CREATE SCHEMA private;
CREATE TABLE public.users (id uuid PRIMARY KEY, name text);
CREATE TABLE sales."Order" (id numeric, line int, note text, PRIMARY KEY (id, line));
CREATE TABLE sales.event (at timestamptz, id bigint, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE sales.event_2026 PARTITION OF sales.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE private.keyless (x int);
`

// The printed grants are enough to set a region up and to apply with, and no more is asked for.
func TestGrantsAreEnough(t *testing.T) {
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			b := setup(t, version)
			b.settings.FailoverSlot = version >= 17
			b.settings.SkipApplied = 4
			b.admin(shop)
			b.grant()
			b.grant() // it can be run again
			conn := b.connect()

			report := b.check(conn)
			if report.Failed() || report.Blocked() || strings.Contains(list(report), "skip_applied") != (version < postgres.OriginServer) {
				t.Fatalf("before init:\n%s", list(report))
			}
			if version >= postgres.OriginServer {
				b.origins(conn)
			}
			b.init(conn, report.Tables, true)
			report = b.check(conn)
			if report.Failed() || strings.Contains(list(report), "failover") {
				t.Fatalf("after init:\n%s", list(report))
			}
			if told := strings.Contains(list(report), "warning: server: synchronized_standby_slots is empty"); told != b.settings.FailoverSlot {
				t.Errorf("on standbys that lack what was published:\n%s", list(report))
			}
			b.init(conn, report.Tables, false)

			batch := `BEGIN; SET LOCAL session_replication_role = replica;
				INSERT INTO bridge.progress VALUES ('us/1', 0, 1, 1, 1) ON CONFLICT (origin, worker) DO UPDATE SET seq = excluded.seq;
				INSERT INTO bridge.conflicts (type, table_schema, table_name, key, rule, outcome, origin, seq, versions)
					VALUES ('update_concurrent', 'public', 'users', '{1}', 'last_write_wins', 'applied', 'us/1', 1, '[]');
				INSERT INTO public.users VALUES ('00000000-0000-0000-0000-000000000001', 'x');
				UPDATE public.users SET name = 'y'; TRUNCATE sales."Order";
				INSERT INTO sales.event VALUES ('2026-05-05', 1); DELETE FROM sales.event; TRUNCATE sales.event;
				SELECT pg_logical_emit_message(true, 'bridge', 'barrier 1 run 1 0'); COMMIT`
			if _, err := conn.Exec(t.Context(), batch); err != nil {
				t.Errorf("apply as the role: %v", err)
			}
			var may bool
			if err := conn.QueryRow(t.Context(), `SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls
				OR has_database_privilege(current_database(), 'CREATE') OR has_schema_privilege('private', 'USAGE')
				FROM pg_roles WHERE rolname = current_user`).Scan(&may); err != nil || may {
				t.Errorf("the role may more than it needs (%v)", err)
			}
		})
	}
}

// origins takes an origin, twice, and is told of another's and of those that lack room.
func (b *bench) origins(conn *pgx.Conn) {
	b.t.Helper()
	for range 2 {
		if _, err := postgres.EnsureOrigin(b.t.Context(), conn, 3); err != nil {
			b.t.Error(err)
		}
	}
	b.admin(`SELECT pg_replication_origin_create('elsewhere')`)
	b.settings.SkipApplied = 1000
	if got := list(b.check(conn)); !strings.Contains(got, `error: server: replication origin "elsewhere" isn't bridge's`) || !strings.Contains(got, "no room for the 1000") {
		b.t.Errorf("on another's origin, and on too many:\n%s", got)
	}
	b.settings.SkipApplied = 4
	b.admin(`SELECT pg_replication_origin_drop('elsewhere'); SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin JOIN pg_database d ON datname = current_database() WHERE roname ~ ('^bridge_' || d.oid || '_')`)
}

// init does what "bridge init" does with the database.
func (b *bench) init(conn *pgx.Conn, tables []change.TableName, first bool) {
	b.t.Helper()
	ctx := b.t.Context()
	if err := postgres.CreateTables(ctx, conn); err != nil {
		b.t.Fatal(err)
	}
	ran, _, err := postgres.EnsurePublication(ctx, conn, b.settings.Publication, tables)
	if err != nil || (len(ran) == 1) != first {
		b.t.Fatalf("publication: ran %q (%v)", ran, err)
	}
	slot, err := postgres.LoadSlot(ctx, conn, b.settings.Slot)
	if err == nil && slot == nil {
		_, err = postgres.CreateSlot(ctx, conn, b.settings.Slot, b.settings.FailoverSlot)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	node, claimed, err := postgres.Claim(ctx, conn, "shop", "eu")
	if want := (postgres.Node{Cluster: "shop", Region: "eu", Incarnation: 1, Format: postgres.Format}); err != nil || claimed != first || node != want {
		b.t.Fatalf("claim: %+v %v %v", node, claimed, err)
	}
}

// A role that owns everything makes the publication itself.
func TestOwnerNeedsNoDBA(t *testing.T) {
	b := setup(t, 15)
	b.admin(`CREATE ROLE ` + b.role + ` LOGIN REPLICATION; GRANT CREATE ON DATABASE ` + b.db.Name + ` TO ` + b.role + `;
		GRANT CREATE ON SCHEMA public TO ` + b.role + `; GRANT SET ON PARAMETER session_replication_role TO ` + b.role + `;`)
	conn := b.connect()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE public.users (id int PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	report := b.check(conn)
	if report.Failed() {
		t.Fatal(list(report))
	}
	if err := postgres.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	ran, _, err := postgres.EnsurePublication(t.Context(), conn, "bridge", report.Tables)
	if err != nil || len(ran) != 2 {
		t.Fatalf("ran %q (%v)", ran, err)
	}
	if _, err := conn.Exec(t.Context(), `CREATE TABLE public.later (id int PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	report = b.check(conn)
	if !strings.Contains(list(report), "public.later: is not in publication") || report.Blocked() {
		t.Fatal(list(report))
	}
	ran, _, err = postgres.EnsurePublication(t.Context(), conn, "bridge", report.Tables)
	if err != nil || len(ran) != 1 || !strings.Contains(ran[0], `ADD TABLE "public"."later"`) {
		t.Fatalf("ran %q (%v)", ran, err)
	}
}

func TestAnotherRegionsDatabaseIsRefused(t *testing.T) {
	b := setup(t, 15)
	b.admin(shop)
	b.grant()
	conn := b.connect()
	b.init(conn, b.check(conn).Tables, true)
	if _, _, err := postgres.Claim(t.Context(), conn, "shop", "us"); err == nil || !strings.Contains(err.Error(), "is region eu of cluster shop") {
		t.Errorf("claim for another region: %v", err)
	}
	b.settings.Region = "us"
	if report := b.check(conn); !report.Blocked() {
		t.Errorf("check for another region:\n%s", list(report))
	}
}

// TestPoliciesNeedOldImages: a column that may hold another value than was sent needs a log that tells what updates change.
func TestPoliciesNeedOldImages(t *testing.T) {
	b := setup(t, 15)
	b.admin(`CREATE TABLE public.t (id int PRIMARY KEY, v numeric, w text)`)
	b.grant()
	b.settings.Policy = func(table change.TableName, column string) value.Policy {
		if table.Name == "t" && column != "w" {
			return value.ClampValue
		}
		return value.RefuseValue
	}
	const want = `public.t: column "v" has the policy clamp`
	conn := b.connect()
	if got := list(b.check(conn)); strings.Count(got, "has the policy") != 1 || !strings.Contains(got, want) {
		t.Errorf("not reported:\n%s", got)
	}
	b.admin(`ALTER TABLE public.t REPLICA IDENTITY FULL`)
	if got := list(b.check(conn)); strings.Contains(got, "has the policy") {
		t.Errorf("after the fix:\n%s", got)
	}
}

// hazard is something that preflight must report. In its texts, {role} and {slot} are the database's,
// and {h} is a table of the hazard's own ({i} without the schema).
type hazard struct {
	name, sql string
	level     preflight.Level
	want      string // object and text
	fix       bool   // whether running the fix mends it
}

var hazards = []hazard{
	{"no key", `CREATE TABLE {h} (x int)`, preflight.Error, `{h}: has no primary key`, false},
	{"key candidate", `CREATE TABLE {h} (x int NOT NULL UNIQUE)`, preflight.Error, `{h}: has no primary key`, true},
	{"identity nothing", `CREATE TABLE {h} (x int PRIMARY KEY); ALTER TABLE {h} REPLICA IDENTITY NOTHING`, preflight.Error, `{h}: has REPLICA IDENTITY NOTHING`, true},
	{"full without key", `CREATE TABLE {h} (x int); ALTER TABLE {h} REPLICA IDENTITY FULL`, preflight.Error, `{h}: has REPLICA IDENTITY FULL but no primary key`, false},
	{"deferrable key", `CREATE TABLE {h} (x int PRIMARY KEY DEFERRABLE)`, preflight.Error, `{h}: has a DEFERRABLE primary key`, false},
	{"interval key", `CREATE TABLE {h} (x interval PRIMARY KEY)`, preflight.Error, `{h}: key column "x": type interval can't be a key`, false},
	{"domain of array key", `CREATE DOMAIN public.dom AS int[]; CREATE TABLE {h} (x public.dom PRIMARY KEY)`, preflight.Error, `{h}: key column "x": type integer[] can't be a key`, false},
	{"collation", `CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE {h} (x text COLLATE public.ci PRIMARY KEY)`, preflight.Error, `{h}: key column "x" has a nondeterministic collation`, false},
	{"unlogged", `CREATE UNLOGGED TABLE {h} (x int PRIMARY KEY)`, preflight.Warning, `{h}: is unlogged`, false},
	{"view", `CREATE VIEW {h} AS SELECT 1`, preflight.Note, `views and foreign tables: are not replicated: {h}`, false},
	{"trigger", `CREATE TABLE {h} (x int PRIMARY KEY); CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW;END'; CREATE TRIGGER "Tr" BEFORE INSERT ON {h} FOR EACH ROW EXECUTE FUNCTION public.f(); ALTER TABLE {h} ENABLE ALWAYS TRIGGER "Tr"`, preflight.Warning, `{h}: trigger "Tr" is ENABLE ALWAYS`, true},
	{"rule", `CREATE TABLE {h} (x int PRIMARY KEY); CREATE RULE r AS ON INSERT TO {h} DO ALSO NOTHING; ALTER TABLE {h} ENABLE ALWAYS RULE r`, preflight.Error, `{h}: rule "r" is ENABLE ALWAYS`, true},
	{"unique", `CREATE TABLE {h} (x int PRIMARY KEY, y int UNIQUE)`, preflight.Note, `{h}: unique besides the key; when two regions take one value at once, the later write's row has it, and the other one is treated by policy: (y): parked`, false},
	{"partial unique", `CREATE TABLE {h} (x int PRIMARY KEY, y int); CREATE UNIQUE INDEX {i}_p ON {h} (y) WHERE x > 5`, preflight.Note, `{h}: unique besides the key; when two regions take one value at once`, false},
	{"unique expression", `CREATE TABLE {h} (x int PRIMARY KEY, y text); CREATE UNIQUE INDEX {i}_e ON {h} (lower(y))`, preflight.Note, `{h}: unique besides the key; when two regions take one value at once`, false},
	{"unique generated", `CREATE TABLE {h} (x int PRIMARY KEY, y int GENERATED ALWAYS AS (x % 5) STORED UNIQUE)`, preflight.Warning, `{h}: unique key "{i}_y_key" has a generated column, y`, false},
	{"unique json", `CREATE TABLE {h} (x int PRIMARY KEY, y jsonb UNIQUE)`, preflight.Warning, `{h}: unique key "{i}_y_key" has column "y", of whose type equal values can have different texts (jsonb)`, false},
	{"unique of a partition", `CREATE TABLE {h} (x int PRIMARY KEY, y int) PARTITION BY HASH (x); CREATE TABLE {h}_0 PARTITION OF {h} FOR VALUES WITH (MODULUS 1, REMAINDER 0); CREATE UNIQUE INDEX {i}_u ON {h}_0 (y)`, preflight.Warning, `{h}: unique key "{i}_u" is a single partition's`, false},
	{"primary key beside the identity", `CREATE TABLE {h} (x int PRIMARY KEY, y int NOT NULL UNIQUE); ALTER TABLE {h} REPLICA IDENTITY USING INDEX {i}_y_key`, preflight.Note, `{h}: unique besides the key; when two regions take one value at once, the later write's row has it, and the other one is treated by policy: (x): parked`, false},
	{"exclusion", `CREATE TABLE {h} (x int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&))`, preflight.Warning, `{h}: has the exclusion constraint "{i}_r_excl"`, false},
	{"deferrable unique", `CREATE TABLE {h} (x int PRIMARY KEY, y int UNIQUE DEFERRABLE INITIALLY DEFERRED)`, preflight.Error, `{h}: constraint "{i}_y_key" of table {h} is DEFERRABLE`, true},
	{"deferrable exclusion", `CREATE TABLE {h} (x int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&) WHERE (x > 1) DEFERRABLE)`, preflight.Error, `{h}: constraint "{i}_r_excl" of table {h} is DEFERRABLE`, true},
	{"foreign key", `CREATE TABLE {h} (x int PRIMARY KEY, u uuid REFERENCES public.users)`, preflight.Note, `{h}: foreign keys; when one region deletes a parent and another one adds a child at the same time, the child is treated by policy: (u): parked`, false},
	{"foreign key to elsewhere", `CREATE TABLE private.{i} (x int PRIMARY KEY); CREATE TABLE {h} (x int PRIMARY KEY REFERENCES private.{i})`, preflight.Note, `{h}: foreign keys that bridge doesn't keep: {i}_x_fkey refers to a table that isn't replicated, private.{i}`, false},
	{"identity column", `CREATE TABLE {h} (x int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)`, preflight.Warning, `{h}: column "x" takes its values from sequence {h}_x_seq`, true},
	{"serial column", `CREATE TABLE {h} (x serial PRIMARY KEY)`, preflight.Warning, `{h}: column "x" takes its values from sequence {h}_x_seq`, true},
	{"unused sequence with a stride", `CREATE SEQUENCE {h}_s INCREMENT 3 START 3; CREATE TABLE {h} (x bigint DEFAULT nextval('{h}_s') PRIMARY KEY)`, preflight.Warning, `{h}: column "x" takes its values from sequence {h}_s, which each region counts alone`, true},
	{"sequence that can't be seen", `CREATE SEQUENCE {h}_s INCREMENT 3; CREATE TABLE {h} (x bigint DEFAULT nextval('{h}_s') PRIMARY KEY); SELECT nextval('{h}_s'); REVOKE SELECT ON SEQUENCE {h}_s FROM {role}`, preflight.Warning, `{h}: column "x" takes its values from sequence {h}_s, and role {role} may not see`, true},
	{"shared sequence", `CREATE SEQUENCE public."S"; CREATE TABLE {h} (x bigint DEFAULT nextval('public."S"') PRIMARY KEY)`, preflight.Warning, `{h}: column "x" takes its values from sequence public.S`, true},
	{"row security", `CREATE TABLE {h} (x int PRIMARY KEY); ALTER TABLE {h} ENABLE ROW LEVEL SECURITY; ALTER ROLE {role} NOBYPASSRLS`, preflight.Error, `{h}: has row security`, true},
	{"privileges", `CREATE TABLE {h} (x int PRIMARY KEY); REVOKE INSERT, TRUNCATE ON {h} FROM {role}`, preflight.Error, `lacks INSERT, TRUNCATE`, true},
	{"schema usage", `REVOKE USAGE ON SCHEMA sales FROM {role}`, preflight.Error, `sales.Order: role {role} may not use the schema`, true},
	{"partition identity", `CREATE UNIQUE INDEX i ON sales.event_2026 (at, id); ALTER TABLE sales.event_2026 REPLICA IDENTITY USING INDEX i`, preflight.Error, `sales.event: partition sales.event_2026 has another REPLICA IDENTITY`, false},
	{"unpublished", `CREATE TABLE {h} (x int PRIMARY KEY); ALTER PUBLICATION bridge DROP TABLE {h}`, preflight.Error, `{h}: is not in publication bridge`, true},
	{"extra table", `ALTER PUBLICATION bridge ADD TABLE private.keyless`, preflight.Error, `private.keyless: is published, but`, true},
	{"own table", `CREATE TABLE bridge.conflicts (id int PRIMARY KEY); ALTER PUBLICATION bridge ADD TABLE bridge.conflicts`, preflight.Error, `bridge.conflicts: is published, but it's this region's own`, true},
	{"row filter", `ALTER PUBLICATION bridge SET TABLE public.users WHERE (id IS NOT NULL)`, preflight.Error, `public.users: is published with a row filter`, true},
	{"column list", `ALTER PUBLICATION bridge SET TABLE public.users (id)`, preflight.Error, `public.users: is published with a row filter or a column list`, true},
	{"kinds", `ALTER PUBLICATION bridge SET (publish = 'insert')`, preflight.Error, `publication bridge: leaves out some kinds of change`, true},
	{"leaves", `ALTER PUBLICATION bridge SET (publish_via_partition_root = false)`, preflight.Error, `publication bridge: shows partitions`, true},
	{"all tables", `DROP PUBLICATION bridge; CREATE PUBLICATION bridge FOR ALL TABLES`, preflight.Error, `publication bridge: publishes whole schemas or all tables`, false},
	{"schema", `DROP PUBLICATION bridge; CREATE PUBLICATION bridge FOR TABLES IN SCHEMA public`, preflight.Error, `publication bridge: publishes whole schemas or all tables`, false},
	{"no publication", `DROP PUBLICATION bridge`, preflight.Error, `publication bridge: is missing, and role {role} may not create it`, false},
	{"foreign owner", `ALTER PUBLICATION bridge OWNER TO postgres`, preflight.Error, `publication bridge: lacks bridge.progress`, false},
	{"replication", `ALTER ROLE {role} NOREPLICATION`, preflight.Error, `role {role}: may not read the log`, true},
	{"replica role", `REVOKE SET ON PARAMETER session_replication_role FROM {role}`, preflight.Error, `role {role}: may not set session_replication_role`, true},
	{"bridge schema", `ALTER SCHEMA bridge OWNER TO postgres`, preflight.Error, `schema bridge: belongs to another role`, true},
	{"no bridge schema", `DROP SCHEMA bridge`, preflight.Error, `schema bridge: is missing, and this role may not create it`, true},
	{"foreign slot", `SELECT pg_create_logical_replication_slot('{slot}', 'test_decoding')`, preflight.Error, `is logical with plugin "test_decoding"`, false},
}

// Every hazard is reported, with a fix that mends it when it's SQL. Those that keep to a table of their
// own are looked at together, which is quicker; the others have a database each.
func TestHazards(t *testing.T) {
	var together []hazard
	for i, h := range hazards {
		name := fmt.Sprintf("h%d", i)
		own := strings.NewReplacer("{h}", "public."+name, "{i}", name)
		alone := !strings.Contains(h.sql, "{h}") || strings.Contains(h.sql, "{role}")
		h.sql, h.want = own.Replace(h.sql), own.Replace(h.want)
		if alone {
			t.Run(h.name, func(t *testing.T) { t.Parallel(); testHazards(t, h) })
		} else {
			together = append(together, h)
		}
	}
	t.Run("tables", func(t *testing.T) { testHazards(t, together...) })
}

func testHazards(t *testing.T, hazards ...hazard) {
	b := setup(t, 15)
	here := strings.NewReplacer("{role}", b.role, "{slot}", b.settings.Slot)
	var sql []string
	for i := range hazards {
		sql = append(sql, here.Replace(hazards[i].sql))
		hazards[i].want = here.Replace(hazards[i].want)
	}
	b.spoil(strings.Join(sql, "; "))
	report := b.check(b.connect())
	var fixes []string
	for _, h := range hazards {
		got := find(report, h.level, h.want)
		if got == nil {
			t.Fatalf("%s: not reported at level %s: %s\n%s", h.name, h.level, h.want, list(report))
		}
		if h.fix {
			fixes = append(fixes, statement(got.Fix))
		}
	}
	b.admin(strings.Join(fixes, "\n"))
	report = b.check(b.connect())
	for _, h := range hazards {
		if h.fix && find(report, h.level, h.want) != nil {
			t.Errorf("%s: the fixes mend nothing: %q\n%s", h.name, fixes, list(report))
		}
	}
}

// statement is the SQL in a fix, without the words around it.
func statement(fix string) string {
	sql := regexp.MustCompile(`^[^A-Z]*: `).ReplaceAllString(fix, "")
	return sql[:strings.LastIndex(sql, ";")+1]
}

// spoil makes the hazard's own tables, then grants as a DBA would, then does the rest.
func (b *bench) spoil(sql string) {
	b.t.Helper()
	var before, after strings.Builder
	for statement := range strings.SplitSeq(sql, ";\n") {
		for part := range strings.SplitSeq(statement, "; ") {
			if strings.HasPrefix(part, "CREATE") && !strings.Contains(part, "bridge") {
				before.WriteString(part + ";\n")
			} else {
				after.WriteString(part + ";\n")
			}
		}
	}
	b.admin(shop + before.String())
	b.grant()
	b.admin(after.String())
}

func find(r *preflight.Report, level preflight.Level, want string) *preflight.Finding {
	for i, f := range r.Findings {
		if f.Level == level && strings.Contains(f.Object+": "+f.Text, want) {
			return &r.Findings[i]
		}
	}
	return nil
}

func TestServerSettings(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, Settings: map[string]string{
		"wal_level": "replica", "max_replication_slots": "0", "max_wal_senders": "0", "max_connections": "10",
	}})
	conn, err := pgx.Connect(t.Context(), server.DSN("postgres", testserver.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	report, err := preflight.Run(t.Context(), conn, preflight.Settings{Slot: "s", Publication: "p", Connections: 20,
		Selected: func(change.TableName) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"wal_level is replica", "all 0 replication slots", "all 0 walsenders", "bridge needs 20 connections, and the server allows 7", "no table matches"} {
		if find(report, preflight.Error, want) == nil {
			t.Errorf("not reported: %s\n%s", want, list(report))
		}
	}
}
