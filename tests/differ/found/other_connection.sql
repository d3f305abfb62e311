-- A table that another connection made, and a savepoint of its own.
PRAGMA journal_mode = WAL;
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a DESC)) WITHOUT ROWID;
INSERT INTO t VALUES (1, 'x'), (2, 'y');
BEGIN;
--answer: exact
SELECT * FROM t ORDER BY a;
.connection 1
SAVEPOINT s1;
.bind 3, 'z'
INSERT INTO t VALUES (?1, ?2);
ROLLBACK TO s1;
DELETE FROM t WHERE a = 1;
RELEASE s1;
.connection 0
--answer: exact
SELECT * FROM t ORDER BY a;
UPDATE t SET b = 'late';
COMMIT;
--answer: sorted 1
SELECT a, b FROM t ORDER BY a;
