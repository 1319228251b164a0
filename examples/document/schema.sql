-- Every region begins with the same rows.
CREATE ROLE app LOGIN;

CREATE TABLE pages (
  id    int PRIMARY KEY,
  title text NOT NULL,
  body  text NOT NULL
);
-- A merge needs the text before the change in the log, too.
ALTER TABLE pages REPLICA IDENTITY FULL;

-- What was written where, to check at the end that nothing got lost. Edits are only ever inserted, so they never conflict.
CREATE TABLE edits (
  text   text PRIMARY KEY,
  page   int NOT NULL,
  region text NOT NULL
);

-- For the run: a region's last write.
CREATE TABLE finished (region text PRIMARY KEY);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;

INSERT INTO pages SELECT n, 'Page ' || n, E'# Page ' || n || E'\n\nThe first line is about tea.\nThe second line is about coffee.\nThe third line is about honey.\n'
FROM generate_series(1, 3) n;
