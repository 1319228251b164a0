-- The shop's tables, as MySQL and MariaDB have them: see docs/types.md for what corresponds to PostgreSQL's types.
CREATE TABLE accounts (
  id      bigint         PRIMARY KEY,
  owner   text           NOT NULL,
  balance decimal(20, 2) NOT NULL DEFAULT 0
);
-- A text in a key must be compared by its characters' codes, as PostgreSQL does: 'Tea' and 'tea' are two products.
CREATE TABLE cart_items (
  cart    bigint,
  product char(100) COLLATE utf8mb4_bin,
  qty     int NOT NULL CHECK (qty > 0),
  PRIMARY KEY (cart, product)
);
