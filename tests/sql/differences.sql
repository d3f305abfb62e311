-- Where byron differs from an ordinary table: docs/sql-differences.md.
CREATE /*byron*/ TABLE d(k TEXT, v DEFAULT 'none', PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO d VALUES('a', NULL) RETURNING v;
INSERT INTO d VALUES('b', 1);
UPDATE d SET v = NULL WHERE k = 'b';
SELECT * FROM d ORDER BY k;
.print OR ABORT and a declared clause
CREATE /*byron*/ TABLE i(k PRIMARY KEY ON CONFLICT IGNORE, v) WITHOUT ROWID;
INSERT INTO i VALUES(1, 'first');
INSERT OR ABORT INTO i VALUES(1, 'second');
SELECT changes(), v FROM i;
.print a declared ROLLBACK is an ABORT
CREATE /*byron*/ TABLE r(k PRIMARY KEY ON CONFLICT ROLLBACK) WITHOUT ROWID;
BEGIN;
INSERT INTO r VALUES(1);
INSERT INTO r VALUES(1);
COMMIT;
SELECT * FROM r;
.print rows that move onto each other
CREATE /*byron*/ TABLE m(k INT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO m VALUES(1, 'a'), (2, 'b'), (3, 'c');
UPDATE OR REPLACE m SET k = k + 1, v = v || k;
SELECT * FROM m ORDER BY k;
.print a CAST of a literal
INSERT INTO d VALUES('5', 'five'), ('05', 'zero five');
SELECT v FROM d WHERE k = CAST(5 AS INTEGER);
SELECT v FROM d WHERE +k = CAST(5 AS INTEGER) ORDER BY k;
.print hidden
CREATE /*byron*/ TABLE h(a hidden, PRIMARY KEY(a));
CREATE /*byron*/ TABLE c(a, b, PRIMARY KEY(a, b));
INSERT INTO c VALUES(1, 'x');
SELECT *, hex(_key) FROM c;
SELECT name, pk FROM pragma_table_info('c') ORDER BY cid;
.print a failing UPDATE FROM, rows that RETURNING shows
CREATE /*byron*/ TABLE f(k, v NOT NULL, PRIMARY KEY(k)) WITHOUT ROWID;
CREATE TABLE o(id INTEGER PRIMARY KEY, x);
INSERT INTO f VALUES(5, 'a'), (6, 'b');
INSERT INTO o VALUES(5, 'x'), (6, NULL);
BEGIN;
UPDATE f SET v = o.x FROM o WHERE o.id = f.k;
COMMIT;
SELECT * FROM f ORDER BY k;
INSERT OR IGNORE INTO f VALUES(5, 'again') RETURNING v;
