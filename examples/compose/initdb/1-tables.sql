-- The shop's tables: the same in every region, empty at first.
CREATE TABLE accounts (
  id      bigint PRIMARY KEY,
  owner   text   NOT NULL,
  balance numeric(20, 2) NOT NULL DEFAULT 0
);
CREATE TABLE cart_items (
  cart    bigint,
  product text,
  qty     integer NOT NULL CHECK (qty > 0),
  PRIMARY KEY (cart, product)
);
