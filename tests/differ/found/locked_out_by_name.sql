-- Locked out of one table, and the other is not there.
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
CREATE TABLE o(id INTEGER PRIMARY KEY);
.connection 1
SELECT count(*) FROM o;
.connection 0
BEGIN EXCLUSIVE;
.connection 1
SELECT * FROM t WHERE EXISTS (SELECT 1 FROM v);
.connection 0
COMMIT;
.connection 1
SELECT * FROM t WHERE EXISTS (SELECT 1 FROM v);
SELECT * FROM t;
