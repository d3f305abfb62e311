-- What SQLite refuses on every virtual table, in its words, and what it takes:
-- the table in README.md, "Limits". Nothing that is refused leaves a trace.
-- once
CREATE /*byron*/ TABLE kv(key, value, PRIMARY KEY(key)) WITHOUT ROWID;
CREATE /*byron*/ TABLE e(a INT, b TEXT, c, PRIMARY KEY(a, b)) WITHOUT ROWID;
INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3);
INSERT INTO e VALUES(1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', 'three');
.print triggers on the table
CREATE TRIGGER tr AFTER INSERT ON kv BEGIN SELECT 1; END;
CREATE TEMP TRIGGER tr BEFORE DELETE ON kv BEGIN SELECT 1; END;
CREATE TRIGGER tr INSTEAD OF UPDATE ON kv BEGIN SELECT 1; END;
.print CREATE INDEX
CREATE INDEX i ON kv(value);
CREATE UNIQUE INDEX i ON e(c);
.print ALTER TABLE
ALTER TABLE kv ADD COLUMN more;
ALTER TABLE kv DROP COLUMN value;
ALTER TABLE kv RENAME COLUMN value TO worth;
ALTER TABLE kv RENAME TO pairs;
SELECT count(*) FROM pairs;
ALTER TABLE pairs RENAME TO kv;
.print upsert
INSERT INTO kv VALUES('a', 9) ON CONFLICT DO NOTHING;
INSERT INTO kv VALUES('a', 9) ON CONFLICT(key) DO UPDATE SET value = 9;
INSERT OR IGNORE INTO kv VALUES('a', 9);
.print RETURNING
INSERT INTO kv VALUES('d', 4) RETURNING key, value;
UPDATE kv SET value = 9 RETURNING key;
DELETE FROM kv RETURNING key;
.print what RETURNING does not know: a rowid given out, a DEFAULT
CREATE /*byron*/ TABLE n(id INTEGER PRIMARY KEY, v DEFAULT 'none') /**/;
INSERT INTO n(id) VALUES(NULL) RETURNING id, v;
SELECT last_insert_rowid(), id, v FROM n;
.print CREATE
CREATE VIRTUAL TABLE g USING byron(a, b GENERATED ALWAYS AS (a + 1));
CREATE VIRTUAL TABLE g USING byron(a, b AS (a + 1) STORED);
CREATE VIRTUAL TABLE g USING byron(a, CHECK(a > 0));
CREATE VIRTUAL TABLE g USING byron(a REFERENCES kv(key));
CREATE VIRTUAL TABLE g USING byron(a COLLATE mine);
CREATE TEMP VIRTUAL TABLE g USING byron;
CREATE VIRTUAL TABLE temp.g USING byron;
INSERT INTO g VALUES('in', 'temp');
SELECT * FROM temp.g;
DROP TABLE g;
.print a foreign key that refers to it
CREATE TABLE child(k REFERENCES kv(key));
INSERT INTO child VALUES('a');
PRAGMA foreign_keys = ON;
INSERT INTO child VALUES('a');
PRAGMA foreign_keys = OFF;
.print and what works
ANALYZE;
ANALYZE kv;
REINDEX kv;
VACUUM;
WITH RECURSIVE s(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM s WHERE i < 3)
  INSERT INTO kv SELECT i, i FROM s;
CREATE TABLE copied AS SELECT * FROM kv;
SELECT count(*) FROM copied;
SELECT * FROM kv ORDER BY key;
SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'byron%' AND name NOT LIKE 'sqlite%' ORDER BY name;
