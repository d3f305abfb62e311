-- The text of a DEFAULT that is infinite.
CREATE /*byron*/ TABLE t(k INT, a TEXT DEFAULT 9e999, b VARCHAR(9) DEFAULT -9e999, c REAL DEFAULT 9e999, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO t(k) VALUES (1);
--answer: exact
SELECT a, b, c, typeof(c) FROM t ORDER BY k;
