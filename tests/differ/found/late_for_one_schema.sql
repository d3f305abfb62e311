-- A reader that is late for main on one side, and for aux only on the other.
.connection 1
ATTACH beside('aux') AS aux;
.connection 0
ATTACH beside('aux') AS aux;
PRAGMA journal_mode = WAL;
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE /*byron*/ TABLE aux.v(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE TABLE o(id INTEGER PRIMARY KEY, x);
.connection 1
SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM v);
BEGIN;
SELECT a, b FROM v;
SELECT a, b FROM t;
.connection 0
BEGIN;
INSERT INTO v VALUES (1, 'x');
--answer: mute
/*byron: SELECT byron_delete_range('t', 2, 3)*/ DELETE FROM t WHERE a >= 2 AND a < 3;
COMMIT;
.connection 1
BEGIN IMMEDIATE;
.connection 0
UPDATE o SET x = id;
INSERT INTO t VALUES (1, 'y');
.connection 1
INSERT INTO v VALUES (2, 'z');
--answer: sorted 1
SELECT a, b FROM v;
SELECT a, b FROM t;
