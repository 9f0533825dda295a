CREATE TABLE product (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock       INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

CREATE TABLE customer (
    id    INTEGER PRIMARY KEY,
    phone TEXT    NOT NULL
) STRICT;

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id  INTEGER NOT NULL REFERENCES product (id),
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    price_cents INTEGER NOT NULL,
    status      TEXT    NOT NULL DEFAULT 'NEW' CHECK (status IN ('NEW', 'CANCELLED')),
    at          TEXT    NOT NULL DEFAULT (datetime('now'))
) STRICT;

INSERT INTO product (id, name, price_cents, stock) VALUES
    (1, 'Green tea',    450, 1000000),
    (2, 'Black coffee', 690, 1000000),
    (3, 'Tea pot',     2900,     100),
    (4, 'Signed cup',  9900,       1);

INSERT INTO customer (id, phone) VALUES
    (1, '13800000001'),
    (2, '13800000002'),
    (3, '13800000003');
