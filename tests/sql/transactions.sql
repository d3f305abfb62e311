-- Transactions and savepoints on one connection, over byron and ordinary tables.
CREATE /*byron*/ TABLE t(k INT, v, PRIMARY KEY(k)) WITHOUT ROWID;
CREATE /*byron*/ TABLE u(id INTEGER PRIMARY KEY, v) /**/;
CREATE TABLE p(k INTEGER PRIMARY KEY, v);
INSERT INTO t VALUES(1, 'one'), (2, 'two');
BEGIN;
INSERT INTO t VALUES(3, 'three');
INSERT INTO p VALUES(3, 'three');
UPDATE t SET v = 'ONE' WHERE k = 1;
DELETE FROM t WHERE k = 2;
SELECT * FROM t ORDER BY k;
SELECT * FROM t ORDER BY k DESC;
SELECT v FROM t WHERE k = 2;
ROLLBACK;
SELECT * FROM t ORDER BY k;
SELECT * FROM p;
BEGIN;
INSERT INTO t VALUES(3, 'three');
SAVEPOINT a;
INSERT INTO t VALUES(4, 'four');
UPDATE t SET v = v || '!' WHERE k > 1;
SAVEPOINT b;
DELETE FROM t;
INSERT INTO u(v) VALUES('u1');
INSERT INTO p VALUES(4, 'four');
SELECT count(*) FROM t;
ROLLBACK TO b;
SELECT * FROM t ORDER BY k;
SELECT count(*) FROM u;
INSERT INTO u(v) VALUES('u2');
RELEASE b;
INSERT INTO t VALUES(5, 'five'), (1, 'again');
INSERT OR FAIL INTO t VALUES(6, 'six'), (1, 'again');
SELECT k FROM t ORDER BY k;
ROLLBACK TO a;
SELECT * FROM t ORDER BY k;
SELECT * FROM u;
INSERT INTO u(v) VALUES('u3');
COMMIT;
SELECT * FROM t ORDER BY k;
SELECT * FROM u;
SELECT * FROM p;
SAVEPOINT outermost;
INSERT INTO t VALUES(7, 'seven');
SAVEPOINT inner;
INSERT INTO t VALUES(8, 'eight');
ROLLBACK TO outermost;
INSERT INTO t VALUES(9, 'nine');
RELEASE outermost;
SELECT * FROM t ORDER BY k;
BEGIN;
INSERT OR ROLLBACK INTO t VALUES(10, 'ten'), (9, 'again');
SELECT * FROM t ORDER BY k;
COMMIT;
BEGIN;
INSERT INTO t WITH RECURSIVE c(x) AS (VALUES(100) UNION ALL SELECT x + 1 FROM c
  WHERE x < 3000) SELECT x, zeroblob(100) FROM c;
SELECT count(*), sum(k) FROM t;
DELETE FROM t WHERE k % 2 = 0 AND k > 50;
SAVEPOINT s;
UPDATE t SET k = k + 10000 WHERE k > 2000;
SELECT count(*), sum(k), min(k), max(k) FROM t;
ROLLBACK TO s;
SELECT count(*), sum(k), min(k), max(k) FROM t;
COMMIT;
SELECT count(*), sum(k), sum(length(v)) FROM t;
.reopen
SELECT count(*), sum(k), sum(length(v)) FROM t;
SELECT * FROM u;
BEGIN IMMEDIATE;
DELETE FROM t WHERE k >= 100;
.connection 1
SELECT count(*) FROM t;
.connection 0
COMMIT;
.connection 1
SELECT count(*) FROM t;
BEGIN;
SELECT count(*) FROM t;
.connection 0
INSERT INTO t VALUES(200, 'later');
SELECT count(*) FROM t;
.connection 1
SELECT count(*) FROM t;
COMMIT;
