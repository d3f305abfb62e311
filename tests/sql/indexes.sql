-- Rows and entries stay together, and UNIQUE does what it does on an ordinary
-- table: which constraint speaks first, in which words, and what is replaced.
CREATE TABLE checks(what TEXT);

-- Three UNIQUE columns beside a key: the last declared is checked first.
CREATE /*byron*/ TABLE w(a INT UNIQUE, k TEXT PRIMARY KEY, b TEXT UNIQUE, c UNIQUE) WITHOUT ROWID;
INSERT INTO w VALUES(1, '1', 'x', 1.5), (2, '2', 'y', 2.5), (3, '3', 'z', 3.5);
INSERT INTO w VALUES(1, '1', 'y', 3.5);
INSERT INTO w VALUES(1, '1', 'n', 9);
INSERT INTO w VALUES(1, '1', 'y', 9);
INSERT INTO w VALUES(1, '9', 'n', 9);
.reopen
INSERT INTO w VALUES(1, '1', 'n', 9);
INSERT OR IGNORE INTO w VALUES(9, '9', 'z', 9), (4, '4', 'u', 4.5), (9, '9', 'v', 4.5);
INSERT OR FAIL INTO w VALUES(5, '5', 'v', 5.5), (5, '6', 'w', 6.5), (7, '7', 'q', 7.5);
SELECT * FROM w ORDER BY k;
INSERT OR REPLACE INTO w VALUES(1, '2', 'z', 4.5);
SELECT * FROM w ORDER BY k;
UPDATE w SET b = 'v' WHERE k = '2';
UPDATE w SET b = 'z' WHERE k = '2';
UPDATE OR IGNORE w SET a = 5, b = 'new' WHERE k = '2';
UPDATE OR REPLACE w SET a = 5 WHERE k = '2';
SELECT * FROM w ORDER BY k;
BEGIN;
INSERT INTO w VALUES(10, '10', 'ten', 10), (11, '11', 'ten', 11);
INSERT INTO w VALUES(10, '10', 'ten', 10);
SAVEPOINT s;
UPDATE w SET b = NULL, c = NULL;
SELECT * FROM w ORDER BY k;
INSERT INTO w VALUES(12, '12', 'ten', 10);
ROLLBACK TO s;
INSERT INTO w VALUES(13, '13', 'ten', 13);
INSERT INTO w VALUES(13, '13', 'z', 13);
COMMIT;
SELECT * FROM w ORDER BY k;
BEGIN;
INSERT OR ROLLBACK INTO w VALUES(20, '20', 'r', 20), (21, '21', 'r', 21);
COMMIT;
UPDATE w SET k = k || '!';
DELETE FROM w WHERE a > 9;
INSERT INTO w VALUES(10, '10', 'ten', 10);
SELECT * FROM w ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('w');
--plain: INSERT INTO checks VALUES('ok');
SELECT * FROM checks;

-- NULLs are never alike.
CREATE /*byron INDEX by_b(b), INDEX by_ba(b DESC, a)*/ TABLE n(k INT PRIMARY KEY, a INT, b TEXT COLLATE NOCASE, UNIQUE(a, b)) WITHOUT ROWID;
INSERT INTO n VALUES(1, NULL, 'a'), (2, NULL, 'a'), (3, 1, NULL), (4, 1, NULL), (5, NULL, NULL), (6, 1, 'a');
INSERT INTO n VALUES(7, 1, 'A');
INSERT INTO n VALUES(8, 1.0, 'a');
INSERT INTO n VALUES(9, '1', 'a ');
INSERT INTO n VALUES(10, '1', 'A');
UPDATE n SET a = 1 WHERE k = 1;
UPDATE n SET b = 'a' WHERE k = 3;
UPDATE n SET b = 'A' WHERE k = 6;
UPDATE n SET b = upper(b), a = a WHERE k < 7;
UPDATE n SET k = k + 100;
SELECT * FROM n ORDER BY k;
REPLACE INTO n VALUES(200, 1, 'a');
SELECT * FROM n ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('n');
--plain: INSERT INTO checks VALUES('ok');

-- Clauses of the constraints: those with REPLACE are checked last.
CREATE /*byron*/ TABLE c(k INT, a UNIQUE ON CONFLICT REPLACE, b UNIQUE ON CONFLICT REPLACE, c UNIQUE, d UNIQUE, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO c VALUES(1, 1, 1, 1, 1), (2, 2, 2, 2, 2), (3, 3, 3, 3, 3), (4, 4, 4, 4, 4);
INSERT OR FAIL INTO c VALUES(9, 1, 2, 9, 9);
INSERT OR FAIL INTO c VALUES(9, 1, 2, 1, 2);
INSERT OR IGNORE INTO c VALUES(9, 1, 9, 9, 9);
INSERT INTO c VALUES(2, 1, 3, 9, 9);
INSERT INTO c VALUES(9, 1, 3, 4, 9);
SELECT * FROM c ORDER BY k;
INSERT INTO c VALUES(9, 1, 3, 9, 9);
SELECT * FROM c ORDER BY k;
UPDATE c SET a = 4, b = 2 WHERE k = 9;
SELECT * FROM c ORDER BY k;
UPDATE c SET a = 1, c = 1;
SELECT * FROM c ORDER BY k;
INSERT INTO c SELECT value, value % 3, value % 5, value, value FROM (WITH RECURSIVE s(value) AS (VALUES(20) UNION ALL SELECT value + 1 FROM s WHERE value < 60) SELECT value FROM s);
UPDATE c SET a = 2 WHERE k = 60;
SELECT * FROM c ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('c');
--plain: INSERT INTO checks VALUES('ok');

-- The key itself with a clause, before and behind the others.
CREATE /*byron*/ TABLE p(a UNIQUE, k TEXT PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT REPLACE, c UNIQUE ON CONFLICT ABORT) WITHOUT ROWID;
INSERT INTO p VALUES(1, '1', 1, 1), (2, '2', 2, 2), (3, '3', 3, 3);
INSERT INTO p VALUES(9, '1', 2, 9), (3, '9', 9, 9), (8, '8', 8, 8);
SELECT * FROM p ORDER BY k;
INSERT INTO p VALUES(9, '1', 2, 9), (8, '3', 9, 8);
SELECT * FROM p ORDER BY k;
INSERT OR REPLACE INTO p VALUES(3, '2', 9, 9);
SELECT * FROM p ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('p');
--plain: INSERT INTO checks VALUES('ok');

INSERT OR FAIL INTO p VALUES(8, '8', 9, 7);
INSERT OR FAIL INTO p VALUES(7, '8', 9, 7);
CREATE /*byron*/ TABLE o(k INT PRIMARY KEY, a UNIQUE, b UNIQUE ON CONFLICT REPLACE) WITHOUT ROWID;
INSERT INTO o VALUES(1, 1, 1), (2, 2, 2);
INSERT OR FAIL INTO o VALUES(9, 1, 1);
INSERT OR FAIL INTO o VALUES(1, 9, 1);
INSERT OR FAIL INTO o VALUES(9, 9, 1);
UPDATE OR FAIL o SET a = 2, b = 2 WHERE k = 1;

-- A composite key with indexes that share columns with it.
CREATE /*byron INDEX by_body(body, ts), INDEX by_ts(ts COLLATE BINARY)*/ TABLE e(tenant INT, ts TEXT COLLATE NOCASE, body, n REAL, PRIMARY KEY(tenant, ts DESC), UNIQUE(ts, n)) WITHOUT ROWID;
INSERT INTO e VALUES(1, 'a', 'x', 1), (1, 'B', 'y', 2), (2, 'A', NULL, 3), (2, 'b', x'00', 4);
INSERT INTO e VALUES(3, 'A', NULL, 1.0);
INSERT INTO e VALUES(1, 'A', NULL, 9);
UPDATE e SET ts = upper(ts);
UPDATE e SET ts = ts || 'z', n = -0.0 WHERE tenant = 1;
UPDATE e SET tenant = tenant + 1 WHERE tenant = 2;
UPDATE OR REPLACE e SET tenant = 1;
SELECT tenant, ts, body, n FROM e ORDER BY tenant, ts DESC;
DELETE FROM e WHERE body IS NULL;
SELECT tenant, ts, body, n FROM e ORDER BY tenant, ts DESC;
--byron: INSERT INTO checks SELECT byron_check('e');
--plain: INSERT INTO checks VALUES('ok');

-- What is made unique twice, and by the key again.
CREATE /*byron*/ TABLE d(a TEXT COLLATE NOCASE UNIQUE, b TEXT, UNIQUE(a), UNIQUE(b COLLATE NOCASE), UNIQUE(b) ON CONFLICT REPLACE, PRIMARY KEY(b)) WITHOUT ROWID;
INSERT INTO d VALUES('a', 'a'), ('b', 'b');
INSERT INTO d VALUES('A', 'c');
INSERT INTO d VALUES('c', 'A');
INSERT INTO d VALUES('c', 'a'), ('d', 'd');
SELECT * FROM d ORDER BY a;
CREATE /*byron*/ TABLE x(a UNIQUE ON CONFLICT FAIL, UNIQUE(a) ON CONFLICT IGNORE, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE /*byron*/ TABLE x(a, PRIMARY KEY(a), UNIQUE(b)) WITHOUT ROWID;

-- Drop, and the same name again.
DROP TABLE w;
CREATE /*byron*/ TABLE w(k INT, a UNIQUE, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO w VALUES(1, 1), (2, 10);
INSERT INTO w VALUES(3, 10);
BEGIN;
DROP TABLE w;
ROLLBACK;
INSERT INTO w VALUES(3, 10);
ALTER TABLE w RENAME TO v;
INSERT INTO v VALUES(3, 10);
.reopen
INSERT INTO v VALUES(3, 10);
SELECT * FROM v ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('v');
--plain: INSERT INTO checks VALUES('ok');
SELECT * FROM checks;
