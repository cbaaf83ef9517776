-- Kept events in blocks, each a compressed batch.
CREATE TABLE events (
    id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX events_by_seq ON events (pipeline, first_seq);
CREATE INDEX events_by_time ON events (pipeline, last_ns);
