-- Indexes that come and go while the table has rows. What SQLite does by
-- CREATE INDEX, a byron table does by commands.
CREATE TABLE checks(what TEXT);
CREATE /*byron*/ TABLE t(k TEXT PRIMARY KEY, a INT, b TEXT COLLATE NOCASE) WITHOUT ROWID;
INSERT INTO t VALUES('1', 1, 'x'), ('2', 2, 'y'), ('3', 1, NULL), ('4', NULL, 'Y'), ('5', NULL, NULL);
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a DESC, b)');
--plain: CREATE INDEX by_a ON t(a DESC, b);
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_b(b)');
--plain: CREATE UNIQUE INDEX by_b ON t(b);
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_b(b COLLATE BINARY)');
--plain: CREATE UNIQUE INDEX by_b ON t(b COLLATE BINARY);
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'by_b(a)');
--plain: CREATE INDEX by_b ON t(a);
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'by_c(c)');
--plain: SELECT c FROM t;
INSERT INTO t VALUES('6', 6, 'x');
INSERT INTO t VALUES('6', 6, 'X');
UPDATE t SET b = upper(b);
UPDATE t SET b = upper(b) WHERE k < '3';
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');

-- One added later is checked before those there were.
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_ka(k, a)');
--plain: CREATE UNIQUE INDEX by_ka ON t(k, a);
INSERT INTO t VALUES('1', 1, 'X');
INSERT INTO t VALUES('7', 1, 'X');
REPLACE INTO t VALUES('7', 1, 'X');
SELECT * FROM t ORDER BY k;

-- All of it is undone with the transaction, or a part with a savepoint.
BEGIN;
--byron: INSERT INTO t(t, arg) VALUES('drop-index', 'by_b');
--plain: DROP INDEX by_b;
INSERT INTO t VALUES('8', 8, 'X');
SAVEPOINT s;
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_a2(a)');
--plain: CREATE UNIQUE INDEX by_a2 ON t(a);
DELETE FROM t WHERE a < 3 AND k <> '7';
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_a2(a)');
--plain: CREATE UNIQUE INDEX by_a2 ON t(a);
INSERT INTO t VALUES('9', 8, 'new');
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');
ROLLBACK TO s;
INSERT INTO t VALUES('9', 8, 'new');
INSERT INTO t VALUES('10', 10, 'NEW');
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');
ROLLBACK;
INSERT INTO t VALUES('8', 8, 'X');
INSERT INTO t VALUES('9', 8, 'new');
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');

-- Another connection, with statements of its own.
.connection 1
SELECT * FROM t ORDER BY k;
.connection 0
BEGIN;
--byron: INSERT INTO t(t, arg) VALUES('drop-index', 'by_ka');
--plain: DROP INDEX by_ka;
--byron: INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE by_k2(b, k)');
--plain: CREATE UNIQUE INDEX by_k2 ON t(b, k);
COMMIT;
.connection 1
INSERT INTO t VALUES('20', 20, 'new');
INSERT INTO t VALUES('20', 20, 'twenty');
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');
--byron: INSERT INTO t(t, arg) VALUES('drop-index', 'by_b');
--plain: DROP INDEX by_b;
.connection 0
INSERT INTO t VALUES('21', 21, 'twenty');
--byron: INSERT INTO checks SELECT byron_check('t');
--plain: INSERT INTO checks VALUES('ok');

-- Under another name, and after the file was closed.
ALTER TABLE t RENAME TO u;
--byron: INSERT INTO u(u, arg) VALUES('add-index', 'UNIQUE by_b(b, a)');
--plain: CREATE UNIQUE INDEX by_b ON u(b, a);
.reopen
INSERT INTO u VALUES('22', 21, 'TWENTY');
--byron: INSERT INTO u(u, arg) VALUES('drop-index', 'by_b');
--plain: DROP INDEX by_b;
INSERT INTO u VALUES('22', 21, 'TWENTY');
SELECT * FROM u ORDER BY k;
--byron: INSERT INTO checks SELECT byron_check('u');
--plain: INSERT INTO checks VALUES('ok');

-- A rowid behind it.
CREATE /*byron*/ TABLE h(a, b);
INSERT INTO h VALUES(1, 2), (3, 4), (1, 5);
--byron: INSERT INTO h(h, arg) VALUES('add-index', 'UNIQUE h_a(a)');
--plain: CREATE UNIQUE INDEX h_a ON h(a);
--byron: INSERT INTO h(h, arg) VALUES('add-index', 'UNIQUE h_ab(a, b)');
--plain: CREATE UNIQUE INDEX h_ab ON h(a, b);
INSERT INTO h VALUES(3, 4);
REPLACE INTO h VALUES(3, 4);
INSERT INTO h(rowid, a, b) VALUES(1, 3, 4);
SELECT rowid, * FROM h ORDER BY rowid;
--byron: INSERT INTO checks SELECT byron_check('h');
--plain: INSERT INTO checks VALUES('ok');
SELECT * FROM checks;
