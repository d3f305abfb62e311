-- A function that looks for a table elsewhere must not begin to read main.
ATTACH beside('aux') AS aux;
PRAGMA journal_mode = WAL;
CREATE /*byron*/ TABLE aux.v(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE TABLE o(id INTEGER PRIMARY KEY, x);
.connection 1
ATTACH beside('aux') AS aux;
SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM t);
SAVEPOINT s;
SELECT /*byron: byron_count('v')*/(SELECT count(*) FROM v);
SELECT /*byron: byron_count('aux.v')*/(SELECT count(*) FROM aux.v);
.connection 0
INSERT INTO o VALUES (1, 'x');
INSERT INTO t VALUES (1, 'x');
.connection 1
SELECT count(*) FROM o;
SELECT count(*) FROM t;
