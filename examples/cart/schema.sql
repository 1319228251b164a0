-- Every region begins with the same rows.
CREATE ROLE app LOGIN;

CREATE TABLE carts (
  id    int PRIMARY KEY,
  items text[] NOT NULL DEFAULT '{}',
  note  text
);
CREATE TABLE products (
  name text PRIMARY KEY,
  sold bigint NOT NULL DEFAULT 0
);
-- Which members were added or removed, and a counter's difference, take the row before the change, too.
ALTER TABLE carts REPLICA IDENTITY FULL;
ALTER TABLE products REPLICA IDENTITY FULL;

-- What was done, to check the rest by: only ever inserted, so it never conflicts.
CREATE TABLE journal (
  item    text,
  removed boolean,
  by      text,
  PRIMARY KEY (item, removed, by)
);

-- For the run: a region's last write.
CREATE TABLE finished (region text PRIMARY KEY);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;

INSERT INTO carts SELECT n FROM generate_series(1, 5) n;
INSERT INTO products VALUES ('tea'), ('coffee'), ('honey');
