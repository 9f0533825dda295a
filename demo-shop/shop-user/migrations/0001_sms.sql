CREATE TABLE sms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   INTEGER NOT NULL UNIQUE,
    phone      TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 1,
    duplicates INTEGER NOT NULL DEFAULT 0,
    state      TEXT    NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'SENT', 'FAILED')),
    at         TEXT    NOT NULL DEFAULT (datetime('now'))
) STRICT;
