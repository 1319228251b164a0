-- What bridge needs in database "shop". Run with psql, connected to that database, as a superuser;
-- it can be run again, and must be when tables were added.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- The role: it logs in and reads the log. Set a password, unless pg_hba.conf lets it in otherwise.
SELECT format('CREATE ROLE %I', 'bridge') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bridge') \gexec
ALTER ROLE "bridge" LOGIN REPLICATION;
-- \password "bridge"
GRANT CONNECT ON DATABASE "shop" TO "bridge";

-- Applying must not run triggers and foreign keys again.
SELECT current_setting('server_version_num')::int >= 150000 AS can_grant_set \gset
\if :can_grant_set
GRANT SET ON PARAMETER session_replication_role TO "bridge";
\else
ALTER ROLE "bridge" IN DATABASE "shop" SET session_replication_role = 'replica';
\endif

-- bridge's own tables live in a schema of their own.
SELECT format('CREATE SCHEMA bridge AUTHORIZATION %I', 'bridge') WHERE to_regnamespace('bridge') IS NULL \gexec
ALTER SCHEMA bridge OWNER TO "bridge";

-- The replicated tables.
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, 'bridge')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (n.nspname ~ '^public$' AND c.relname ~ '^.*$') \gexec
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %I.%I TO %I', n.nspname, c.relname, 'bridge')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (n.nspname ~ '^public$' AND c.relname ~ '^.*$') ORDER BY n.nspname, c.relname \gexec
-- Where the sequences stand that number their rows: "bridge check" looks whether two regions can give out the same number.
SELECT DISTINCT format('GRANT SELECT ON SEQUENCE %I.%I TO %I', sn.nspname, s.relname, 'bridge')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef f ON f.adrelid = c.oid
     JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
                      OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'
     JOIN pg_class s ON s.relkind = 'S' AND s.oid IN (d.objid, d.refobjid) JOIN pg_namespace sn ON sn.oid = s.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (n.nspname ~ '^public$' AND c.relname ~ '^.*$') \gexec

-- Policies for rows would hide rows from bridge.
SELECT format('ALTER ROLE %I BYPASSRLS', 'bridge')
WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (n.nspname ~ '^public$' AND c.relname ~ '^.*$')) \gexec

-- The publication, of the tables whose rows the log names. (Updates on a published table without a key
-- would fail: "bridge check" lists those that are left out here.)
SELECT format('CREATE PUBLICATION %I WITH (publish = ''insert, update, delete, truncate'', publish_via_partition_root = true)', 'bridge')
WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'bridge') \gexec
SELECT format('ALTER PUBLICATION %I ADD TABLE %I.%I', 'bridge', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'bridge' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (n.nspname ~ '^public$' AND c.relname ~ '^.*$')
  AND NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = 'bridge' AND r.prrelid = c.oid)
  AND c.relreplident <> 'n'
  AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
              AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)
ORDER BY n.nspname, c.relname \gexec
-- A superuser can hand it over; anyone else must be a member of the role, which then needs CREATE on the database.
ALTER PUBLICATION "bridge" OWNER TO "bridge";
