-- What is remembered by name: last_commit_ns, next_seq, clean, rolled_60, rolled_3600, kept_10, kept_60.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE modules (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL);
-- All pipelines and scripts, as one JSON document.
CREATE TABLE definitions (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
-- What scripts left when the process ended.
CREATE TABLE left_by (
    pipeline TEXT NOT NULL, script TEXT NOT NULL, version INTEGER NOT NULL, saved BLOB NOT NULL,
    PRIMARY KEY (pipeline, script)
);

-- The tables' totals: a head each, and the rows in chunks.
CREATE TABLE tables (
    id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, script TEXT NOT NULL, name TEXT NOT NULL,
    head BLOB NOT NULL, at_ns INTEGER NOT NULL, UNIQUE (pipeline, script, name)
);
CREATE TABLE chunks (
    in_table INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE, number INTEGER NOT NULL,
    rows BLOB NOT NULL, PRIMARY KEY (in_table, number)
);

-- The tables' history, over all pipelines. Times are seconds since the Unix epoch.
CREATE TABLE series (
    id INTEGER PRIMARY KEY, script TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    labels TEXT NOT NULL, unit TEXT NOT NULL, window_s INTEGER, seen INTEGER NOT NULL,
    UNIQUE (script, name, kind, labels)
);
-- What happened in `step` seconds from `at` on; series 0 says that weir ran.
CREATE TABLE points (
    series INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (series, step, at)
);
CREATE INDEX points_by_time ON points (step, at);
-- All rows as they were at a time.
CREATE TABLE frames (
    series INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (series, at)
);
