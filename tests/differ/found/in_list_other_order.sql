-- ORDER BY a column after the one that has an IN list.
CREATE /*byron*/ TABLE t(a INT, b, PRIMARY KEY(b, a)) WITHOUT ROWID;
INSERT INTO t VALUES ('a', 'AB'), (1, x'00');
--answer: exact
SELECT * FROM t WHERE b IN ('AB', x'00') ORDER BY a, b;
--answer: exact
SELECT * FROM t WHERE b IN ('AB', x'00') ORDER BY a NULLS FIRST, b, a LIMIT 10;
