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
.print indexes have their names within the table, and a column stands in one once
CREATE /*byron INDEX i(b)*/ TABLE x(a PRIMARY KEY, b) WITHOUT ROWID;
CREATE /*byron INDEX i(b)*/ TABLE y(a PRIMARY KEY, b) WITHOUT ROWID;
SELECT count(*) FROM pragma_index_list('x');
SELECT table_name, name, definition FROM byron_index ORDER BY 1, 2;
CREATE /*byron*/ TABLE z(a PRIMARY KEY, UNIQUE(a, a)) WITHOUT ROWID;
.print a row of another type undoes the whole statement
CREATE /*byron*/ TABLE n(id INTEGER PRIMARY KEY, v) /**/;
BEGIN;
INSERT OR FAIL INTO n VALUES(1, 'a'), ('x', 'b'), (3, 'c');
INSERT OR IGNORE INTO n VALUES(1, 'a'), ('x', 'b'), (3, 'c');
COMMIT;
SELECT * FROM n;
.print DDL counts as changes, VACUUM has a last rowid
INSERT INTO n VALUES(42, 'a');
CREATE TEMP TABLE before AS SELECT total_changes() AS n, last_insert_rowid() AS id;
CREATE /*byron*/ TABLE g(a PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE g RENAME TO g2;
DROP TABLE g2;
SELECT total_changes() > before.n, last_insert_rowid() = before.id FROM before;
VACUUM;
SELECT last_insert_rowid() = before.id FROM before;
.print a statement that names the table begins to read, even if it fails
.connection 1
SELECT count(*) FROM o;
.reopen
PRAGMA journal_mode = WAL;
.connection 1
BEGIN;
SELECT absent FROM n;
.connection 0
INSERT INTO o VALUES(100, 'new');
.connection 1
SELECT count(*) FROM o WHERE id = 100;
COMMIT;
SELECT count(*) FROM o WHERE id = 100;
.print a table that another one has dropped
BEGIN;
SELECT count(*) FROM o WHERE id = 100;
.connection 0
DROP TABLE n;
.connection 1
SELECT count(*) FROM n;
COMMIT;
.connection 0
.print a DEFAULT that is a real number, of a TEXT column
CREATE /*byron*/ TABLE q(a INT PRIMARY KEY, t TEXT DEFAULT 0.12345678901234567) WITHOUT ROWID;
INSERT INTO q(a) VALUES(1);
SELECT t FROM q;
.print names that are hidden columns, too
CREATE TABLE u(arg, prefix);
INSERT INTO u VALUES(1, 'p');
SELECT arg FROM u, q;
SELECT u.arg, u.prefix FROM u, q;
SELECT (SELECT count(*) FROM q WHERE arg = 1), (SELECT count(*) FROM q WHERE u.arg = 1) FROM u;
INSERT INTO q VALUES(2, 'two');
SELECT * FROM q ORDER BY a;
CREATE /*byron*/ TABLE own(arg PRIMARY KEY, prefix) WITHOUT ROWID;
INSERT INTO own VALUES('a', 'b');
SELECT * FROM own WHERE prefix = 'b';
