-- An order's id is reserved before anything is sent. Gaps are fine, ids are never used again.
CREATE TABLE order_sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO order_sequence (last)
    SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'orders'), 0);

CREATE TABLE placed (
    id          INTEGER PRIMARY KEY,
    product_id  INTEGER NOT NULL REFERENCES product (id),
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    price_cents INTEGER NOT NULL,
    status      TEXT    NOT NULL DEFAULT 'NEW' CHECK (status IN ('NEW', 'PAID', 'SHIPPED', 'CANCELLED')),
    at          TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    changed_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO placed
    SELECT id, product_id, customer_id, quantity, price_cents, status,
           strftime('%Y-%m-%dT%H:%M:%fZ', at), strftime('%Y-%m-%dT%H:%M:%fZ', at)
    FROM orders;
DROP TABLE orders;
ALTER TABLE placed RENAME TO orders;

-- Written together with the order: the transactions whose message has to be delivered.
CREATE TABLE tx_log (
    tx_id    TEXT    PRIMARY KEY,
    order_id INTEGER NOT NULL UNIQUE REFERENCES orders (id),
    at       TEXT    NOT NULL
) STRICT;

-- Ids that no order may get any more: its message was rolled back by a check, or its time to pay is over.
CREATE TABLE void_order (order_id INTEGER PRIMARY KEY) STRICT;

CREATE TABLE timeline (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    at         TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    UNIQUE (order_id, status)
) STRICT;

CREATE VIEW order_detail AS
    SELECT orders.id, product_id, product.name AS product, quantity, orders.price_cents, phone, status, at,
           changed_at
    FROM orders
    JOIN product ON product.id = product_id
    JOIN customer ON customer.id = customer_id;
