-- Every region begins with the same rows.
CREATE ROLE app LOGIN;

CREATE TABLE accounts (
  id      int PRIMARY KEY,
  owner   text NOT NULL,
  balance numeric(12,2) NOT NULL
);
-- A counter's difference needs the balance before the change in the log, too.
ALTER TABLE accounts REPLICA IDENTITY FULL;

-- Transfers are only ever inserted, so they never conflict.
CREATE TABLE transfers (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  from_account int NOT NULL,
  to_account   int NOT NULL,
  amount      numeric(12,2) NOT NULL
);

-- For the run: a region's last write.
CREATE TABLE finished (region text PRIMARY KEY);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;

INSERT INTO accounts SELECT n, 'owner ' || n, 100.00 FROM generate_series(1, 10) n;
