-- Every region begins with the same rows.
CREATE ROLE app LOGIN;

-- A seat is sold once: two regions that sell it at the same time can't see that, and find out later.
CREATE TABLE bookings (
  id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  show  int NOT NULL,
  seat  int NOT NULL,
  guest text NOT NULL,
  UNIQUE (show, seat)
);

-- What guests were told: to check at the end that no booking got lost. Only ever inserted, so they never conflict.
CREATE TABLE confirmations (booking uuid PRIMARY KEY, region text NOT NULL);
CREATE TABLE cancellations (booking uuid PRIMARY KEY, region text NOT NULL);

-- For the run: a region's last write.
CREATE TABLE finished (region text PRIMARY KEY);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
