-- One text message for each kind of news about an order.
ALTER TABLE sms RENAME TO sms_of_orders;

CREATE TABLE sms (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id      INTEGER NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('placed', 'cancelled')),
    phone         TEXT    NOT NULL,
    text          TEXT    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 1,
    duplicates    INTEGER NOT NULL DEFAULT 0,
    state         TEXT    NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'SENT', 'FAILED')),
    -- Until when a PENDING row belongs to the delivery that claimed it, ms since 1970.
    claimed_until INTEGER NOT NULL,
    at            TEXT    NOT NULL DEFAULT (datetime('now')),
    UNIQUE (order_id, kind)
) STRICT;

INSERT INTO sms (id, order_id, kind, phone, text, attempts, duplicates, state, claimed_until, at)
SELECT id, order_id, 'placed', phone, text, attempts, duplicates, state, 0, at FROM sms_of_orders;

DROP TABLE sms_of_orders;

-- What each order counts for its customer.
CREATE TABLE points (
    order_id INTEGER PRIMARY KEY,
    phone    TEXT    NOT NULL,
    points   INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('ADDED', 'TAKEN_BACK'))
) STRICT;

CREATE INDEX points_by_phone ON points (phone);
