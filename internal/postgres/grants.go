package postgres

import (
	"fmt"
	"io"
	"strings"
)

// Grants says for whom and for which tables [Grants.Write] prints SQL.
type Grants struct {
	Role        string
	Database    string
	Publication string
	// Include and Exclude choose tables by pairs of regular expressions for schema and table, as
	// "bridge init" does.
	Include, Exclude [][2]string
	// SkipApplied adds what apply sessions need to write under replication origins.
	SkipApplied bool
}

// Write prints what a DBA runs with psql, once per database and again when tables were added: the
// least that bridge needs. It's idempotent. The tables are looked up when it runs, so printing needs
// no connection.
//
// bridge owns the publication, so that "bridge init" can add bridge.progress to it; the tables stay
// their owners', who alone can publish them.
func (g Grants) Write(w io.Writer) error {
	text := strings.NewReplacer(
		"{role}", Quote(g.Role), "{role'}", Literal(g.Role),
		"{database}", Quote(g.Database),
		"{publication}", Quote(g.Publication), "{publication'}", Literal(g.Publication),
		"{selected}", g.selected(), "{origins}", g.origins(),
	).Replace(grantsTemplate)
	_, err := io.WriteString(w, text)
	return err
}

// WriteOperator prints what a DBA runs so that a role of a person's can work with "bridge conflicts" and "bridge parked": read the cases,
// the parked rows, and the rows they are of and, unless readOnly, resolve them. They hold rows' values.
func (g Grants) WriteOperator(w io.Writer, readOnly bool) error {
	tables, resolving := "SELECT", ""
	if !readOnly {
		tables = "SELECT, INSERT, UPDATE, DELETE"
		resolving = "-- To resolve a case is to mark it, and to write its row; to resolve a parked row is to write it.\n" +
			"GRANT UPDATE (resolved_at, resolved_by, resolution) ON bridge.conflicts TO {role};\n"
	}
	text := strings.NewReplacer("{resolving}", resolving, "{privileges}", tables).Replace(operatorTemplate)
	text = strings.NewReplacer("{role}", Quote(g.Role), "{role'}", Literal(g.Role), "{database}", Quote(g.Database), "{selected}", g.selected()).Replace(text)
	_, err := io.WriteString(w, text)
	return err
}

const operatorTemplate = `-- What a person needs for "bridge conflicts" and "bridge parked" in database {database}. Run with psql, connected to that database, as a
-- superuser, after "bridge init"; it can be run again, and must be when tables were added.
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I LOGIN', {role'}) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role'}) \gexec
-- \password {role}
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA bridge TO {role};
GRANT SELECT ON bridge.node, bridge.conflicts, bridge.parked TO {role};
{resolving}
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, {role'})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {selected} \gexec
SELECT format('GRANT {privileges} ON %I.%I TO %I', n.nspname, c.relname, {role'})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {selected} ORDER BY n.nspname, c.relname \gexec
`

func (g Grants) origins() string {
	if !g.SkipApplied {
		return ""
	}
	return fmt.Sprintf(`-- Rows are applied under replication origins, by which PostgreSQL 16 and later leaves them out of what bridge reads.
SELECT format('GRANT EXECUTE ON FUNCTION pg_catalog.%%s TO %%I', oid::regprocedure, %s)
FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN (%s) \gexec

`, Literal(g.Role), literals(OriginFunctions))
}

// literals are SQL literals for IN.
func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = Literal(t)
	}
	return strings.Join(quoted, ", ")
}

// selected is the condition on pg_class c and pg_namespace n for the tables to replicate.
func (g Grants) selected() string {
	condition := `c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (` + anyOf(g.Include) + `)`
	if len(g.Exclude) > 0 {
		condition += "\n  AND NOT (" + anyOf(g.Exclude) + ")"
	}
	return condition
}

func anyOf(pairs [][2]string) string {
	terms := make([]string, len(pairs))
	for i, p := range pairs {
		terms[i] = fmt.Sprintf("n.nspname ~ %s AND c.relname ~ %s", Literal(p[0]), Literal(p[1]))
	}
	return strings.Join(terms, " OR ")
}

const grantsTemplate = `-- What bridge needs in database {database}. Run with psql, connected to that database, as a superuser;
-- it can be run again, and must be when tables were added.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- The role: it logs in and reads the log. Set a password, unless pg_hba.conf lets it in otherwise.
SELECT format('CREATE ROLE %I', {role'}) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role'}) \gexec
ALTER ROLE {role} LOGIN REPLICATION;
-- \password {role}
GRANT CONNECT ON DATABASE {database} TO {role};

-- Applying must not run triggers and foreign keys again.
SELECT current_setting('server_version_num')::int >= 150000 AS can_grant_set \gset
\if :can_grant_set
GRANT SET ON PARAMETER session_replication_role TO {role};
\else
ALTER ROLE {role} IN DATABASE {database} SET session_replication_role = 'replica';
\endif

{origins}-- bridge's own tables live in a schema of their own.
SELECT format('CREATE SCHEMA bridge AUTHORIZATION %I', {role'}) WHERE to_regnamespace('bridge') IS NULL \gexec
ALTER SCHEMA bridge OWNER TO {role};

-- The replicated tables.
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, {role'})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {selected} \gexec
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %I.%I TO %I', n.nspname, c.relname, {role'})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {selected} ORDER BY n.nspname, c.relname \gexec
-- Where the sequences stand that number their rows: "bridge check" looks whether two regions can give out the same number.
SELECT DISTINCT format('GRANT SELECT ON SEQUENCE %I.%I TO %I', sn.nspname, s.relname, {role'})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef f ON f.adrelid = c.oid
     JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
                      OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'
     JOIN pg_class s ON s.relkind = 'S' AND s.oid IN (d.objid, d.refobjid) JOIN pg_namespace sn ON sn.oid = s.relnamespace
WHERE {selected} \gexec

-- Policies for rows would hide rows from bridge.
SELECT format('ALTER ROLE %I BYPASSRLS', {role'})
WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity AND {selected}) \gexec

-- The publication, of the tables whose rows the log names. (Updates on a published table without a key
-- would fail: "bridge check" lists those that are left out here.)
SELECT format('CREATE PUBLICATION %I WITH (publish = ''insert, update, delete, truncate'', publish_via_partition_root = true)', {publication'})
WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = {publication'}) \gexec
SELECT format('ALTER PUBLICATION %I ADD TABLE %I.%I', {publication'}, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {selected}
  AND NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = {publication'} AND r.prrelid = c.oid)
  AND c.relreplident <> 'n'
  AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
              AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)
ORDER BY n.nspname, c.relname \gexec
-- A superuser can hand it over; anyone else must be a member of the role, which then needs CREATE on the database.
ALTER PUBLICATION {publication} OWNER TO {role};
`
